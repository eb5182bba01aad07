"""One contract for every partner: each test runs against each harness of `tests.partners.harness.HARNESSES`."""
