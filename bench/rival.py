"""A minimal FastAPI quote: typed body, typed answer, no authentication."""

from fastapi import FastAPI
from pydantic import BaseModel, Field

app = FastAPI()


class QuoteBody(BaseModel):
    payout_sats: int = Field(gt=0)
    group_verified: bool = False
    user_recurring: bool = False


class Quote(BaseModel):
    sats_fee: int
    platform_share: int
    community_share: int
    partner_reserved: int
    net_payout: int
    fee_percentage: float


@app.post("/monetization/fees/calculate")
async def calculate(asked: QuoteBody) -> Quote:
    rate_bps = (75 if asked.group_verified else 100) // (2 if asked.user_recurring else 1)
    fee_sats = asked.payout_sats * rate_bps // 10_000
    platform_sats, community_sats = fee_sats * 5 // 10, fee_sats * 3 // 10
    return Quote(
        sats_fee=fee_sats,
        platform_share=platform_sats,
        community_share=community_sats,
        partner_reserved=fee_sats - platform_sats - community_sats,
        net_payout=asked.payout_sats - fee_sats,
        fee_percentage=rate_bps / 10_000,
    )
