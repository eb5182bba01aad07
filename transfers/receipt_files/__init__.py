"""An issued receipt as people read it: as a page, as PDF, and the files of the lines behind it."""
