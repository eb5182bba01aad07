"""How the demo's processes call the simulated Wave, and how it calls them."""

PAYING_KEY, CHECKOUT_KEY = "wave_sn_prod_demo_pays", "wave_sn_prod_demo_collects"
WEBHOOK_SECRET = "wave_sn_WHS_demo"  # noqa: S105  (of a simulator)


def environment(url: str) -> dict[str, str]:
    """Return what every process needs: it can collect, and check what arrives."""
    return {
        "WAVE_URL": url, "WAVE_CHECKOUT_API_KEY": CHECKOUT_KEY, "WAVE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "WAVE_WALLET": "demo",
    }  # fmt: skip


def paying_environment(url: str) -> dict[str, str]:
    """Return what the worker that pays needs besides."""
    return {"WAVE_API_KEY": PAYING_KEY}


def settings(base_url: str) -> dict[str, str]:
    """Return the simulator's settings that belong to these keys; `base_url` is where webhooks go."""
    return {
        "api_key": PAYING_KEY, "checkout_api_key": CHECKOUT_KEY, "webhook_secrets": WEBHOOK_SECRET,
        "webhook_url": f"{base_url}/monetization/partners/wave/webhooks",
    }  # fmt: skip
