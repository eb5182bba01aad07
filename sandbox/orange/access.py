"""How the demo's processes call the simulated Orange Money, and how it calls them."""

from sandbox.orange.security import DEFAULTS

CALLBACK_SECRET, CALLBACK_KEY = "orange-demo-callbacks", "orange-demo-key"


def environment(url: str) -> dict[str, str]:
    """Return what every process needs: it can collect, and check what arrives."""
    return {
        "ORANGE_URL": url, "ORANGE_CLIENT_ID": DEFAULTS["client_id"], "ORANGE_API_KEY": DEFAULTS["client_secret"],
        "ORANGE_MSISDN": DEFAULTS["msisdn"], "ORANGE_MERCHANT_CODE": "123456", "ORANGE_MERCHANT_NAME": "SUNUSAV",
        "ORANGE_CALLBACK_SECRETS": CALLBACK_SECRET, "ORANGE_CALLBACK_API_KEYS": CALLBACK_KEY,
    }  # fmt: skip


def paying_environment(url: str) -> dict[str, str]:
    """Return what the worker that pays needs besides."""
    return {"ORANGE_PIN": DEFAULTS["pin"]}


def settings(base_url: str) -> dict[str, str]:
    """Return the simulator's settings that belong to these keys; `base_url` is where callbacks go."""
    return {
        "callback_url": f"{base_url}/monetization/partners/orange/webhooks", "callback_api_key": CALLBACK_KEY,
        "callback_secret": CALLBACK_SECRET,
    }  # fmt: skip
