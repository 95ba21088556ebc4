"""What a scrubbing transaction overwrote is in no file of the database any more."""

from pathlib import Path

import sqlalchemy as sa

from fettle.storage.open import open_database

SECRETS = sa.Table(
    "secrets", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("key", sa.Text)
)


def test_an_overwritten_key_is_nowhere_while_the_database_is_open(tmp_path: Path):
    database = open_database(f"sqlite:///{tmp_path / 'w.db'}")
    with database.write() as tx:
        tx.create(SECRETS)
        tx.execute(SECRETS.insert().values(id=1, key="the-old-key-in-the-clear"))
    assert any(b"the-old-key-in-the-clear" in each.read_bytes() for each in tmp_path.iterdir())
    with database.write() as tx:
        tx.scrub()
        tx.execute(SECRETS.update().values(key="x" * len("the-old-key-in-the-clear")))
        tx.execute(SECRETS.delete())
    assert not any(b"the-old-key-in-the-clear" in each.read_bytes() for each in tmp_path.iterdir())
    database.close()
