from sunusav.core.roles import Role

GRANTS = [(Role.PLATFORM, ["core.view_outboxmessage"])]
