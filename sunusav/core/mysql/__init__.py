"""Django's database backend of MySQL and MariaDB, whose transactions the server ends when their client is idle.

A client that is frozen inside a transaction (SIGSTOP, a pause of its machine, a lost network) keeps its locks for as
long as the server waits for its next statement: eight hours by default. Here the server closes the connection after
IDLE_SECONDS, which rolls the transaction back; the client's next statement raises OperationalError.
"""

# Between two statements of a transaction there is only computing: no transaction waits for a provider.
IDLE_SECONDS = 8
# After this a statement that waits for a row lock fails with error 1205. It is longer than IDLE_SECONDS, so that a
# transaction that waits for a frozen client gets the lock instead of an error.
LOCK_WAIT_SECONDS = 10
# For a new connection. The network timeouts are for a client that stops while it sends a statement or reads its rows.
INIT_COMMAND = (
    f"SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}, "
    f"net_read_timeout = {IDLE_SECONDS}, net_write_timeout = {IDLE_SECONDS}"
)
