"""The place of this app's lists in the menu of the back office."""

from sunusav.backoffice.navigation import Area, ListEntry

NAVIGATION = [ListEntry(Area.TECHNICAL, "lightning.listenercursor", "hearing", rank=65)]
