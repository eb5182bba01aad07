from sunusav.core.errors import Conflict


class TreeAlreadyPlanted(Conflict):
    tree_id: str
