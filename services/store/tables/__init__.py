"""The tables, as SQLModel classes: the record's in one database, wrapped keys in the other."""
