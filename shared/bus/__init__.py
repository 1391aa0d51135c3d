"""The bus: the only package that knows RabbitMQ. Services see events, handlers and errors.

From below: `errors`, `handling` (what handlers see), `topology` (names, queues, bindings), `link`
(a connection that comes back), `publisher`, `acks`, `consumer`, `bus` (one process's client),
`deadletters`.
"""
