import graphlib

import grimp


def test_modules_of_sandbox_import_each_other_without_a_cycle() -> None:
    """For example `world` imports `payments`, which imports `invoices`, and none the reverse."""
    graph = grimp.build_graph("sandbox", cache_dir=None)
    sorter = graphlib.TopologicalSorter(
        {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    )

    sorter.prepare()  # raises CycleError, which names the modules of a cycle

    assert "sandbox.lnd.world" in graph.modules
