# What the official image does with its variables: a cluster at the first start, with one user who
# has a password, and one database.
set -eu
bin=$(echo /usr/lib/postgresql/*/bin)
folder=/var/lib/postgresql/data
as_postgres() { (cd / && exec runuser -u postgres -- "$@"); }

mkdir -p "$folder"
chown postgres: "$folder"
chmod 700 "$folder"
if [ ! -e "$folder/PG_VERSION" ]; then
    echo "$POSTGRES_PASSWORD" >/tmp/password
    as_postgres "$bin/initdb" -D "$folder" -U "$POSTGRES_USER" --pwfile=/tmp/password \
        --auth=scram-sha-256 --encoding=UTF8 --no-locale
    rm /tmp/password
    echo "host all all all scram-sha-256" >>"$folder/pg_hba.conf"
    # Nobody finds it ready before its database is there.
    as_postgres "$bin/pg_ctl" -w -D "$folder" -o "-c listen_addresses='' -k /tmp" start
    PGPASSWORD=$POSTGRES_PASSWORD "$bin/createdb" -U "$POSTGRES_USER" -h /tmp "$POSTGRES_DB"
    as_postgres "$bin/pg_ctl" -w -D "$folder" stop
fi
exec runuser -u postgres -- "$bin/postgres" -D "$folder" -c listen_addresses='*'
