from sunusav.core.rotation import EncryptedColumn

ENCRYPTED_COLUMNS = [EncryptedColumn("api.IdempotencyKey", "sealed_content", bound_by="scope_hash")]
