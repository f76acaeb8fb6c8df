import psycopg
from psycopg import sql


def handle(inputs):
    query = sql.SQL("SELECT {} FROM {}").format(sql.Identifier("name"), sql.Identifier('my"table'))
    try:
        psycopg.connect("host=127.0.0.1 port=1 user=nobody connect_timeout=2").close()
    except psycopg.OperationalError as error:
        return {"query": query.as_string(None), "error": type(error).__name__}
    return {"query": query.as_string(None), "error": ""}
