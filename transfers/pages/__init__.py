"""The pages of a receipt for anybody who has its link."""
