LABELS = {"plant_tree": "a tree was planted", "water_the_trees": "water the trees every morning"}
REFUSALS = {"tree-already-planted": ("Tree %(tree_id)s stands already.", "Choose another one.")}
