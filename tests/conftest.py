"""What all tests may use."""

pytest_plugins = [
    "tests.browser_fixture",
    "tests.lab_fixture",
    "tests.postgresql_fixture",
    "tests.proxysql_fixture",
    "tests.store_fixture",
    "tests.vitess_fixture",
]
