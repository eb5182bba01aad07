"""MTN MoMo: pays phones and collects from them in Côte d'Ivoire and Benin. There is no MTN in Senegal.

`config` reads the variables MTN_*; `client` makes one call per method; `outcomes` is the table from answers to
outcomes; `rail` pays, `collector` asks payers. A version 4 UUID of ours names every payment and every request, and MTN
takes it once. An answer to a call is only a receipt: what became of it is read from its status.
"""
