"""How the demo's processes call the simulated MTN, and how it calls them."""

from sandbox.mtn.security import KEY, SUBSCRIPTIONS, USER

WEBHOOK_TOKEN = "0123456789abcdef" * 4


def environment(url: str) -> dict[str, str]:
    """Return what every process needs: it can collect, and check what arrives."""
    return {
        "MTN_URL": url, "MTN_TARGET_ENVIRONMENT": "mtnivorycoast", "MTN_COLLECTION_API_USER": USER,
        "MTN_COLLECTION_API_KEY": KEY, "MTN_COLLECTION_SUBSCRIPTION_KEY": SUBSCRIPTIONS["collection"],
        "MTN_WEBHOOK_TOKENS": WEBHOOK_TOKEN,
    }  # fmt: skip


def paying_environment(url: str) -> dict[str, str]:
    """Return what the worker that pays needs besides."""
    return {"MTN_API_USER": USER, "MTN_API_KEY": KEY, "MTN_SUBSCRIPTION_KEY": SUBSCRIPTIONS["disbursement"]}


def settings(base_url: str) -> dict[str, str]:
    """Return the simulator's settings that belong to these keys: callbacks go where each call names."""
    return {}
