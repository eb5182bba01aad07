from sunusav.core.rotation import EncryptedColumn

ENCRYPTED_COLUMNS = [EncryptedColumn("core.PersonKey", "wrapped_key", bound_by="person_ref")]
