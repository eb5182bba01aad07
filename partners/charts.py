"""Charts of partners."""

from partners.settlements.charts import CHARTS

__all__ = ["CHARTS"]
