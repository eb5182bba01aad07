"""The pages of a receipt for anybody who has its link: light HTML and a PDF, both made from one `Paper`."""
