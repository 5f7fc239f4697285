"""The tables speak of types that the record has, and of elements that the builders write."""

from fhir.resources.R4B import get_fhir_model_class

from services.fhir import check_tables


def test_every_row_is_about_a_type_of_the_record() -> None:
    assert check_tables.CODES.keys() | check_tables.TARGETS.keys() <= check_tables.TYPES


def test_every_path_begins_with_an_element_of_its_type() -> None:
    """A slip of a name here would check nothing for ever."""
    for table in (check_tables.CODES, check_tables.TARGETS):
        for kind, paths in table.items():
            known = get_fhir_model_class(kind).model_fields
            names = {field.alias or name for name, field in known.items()}
            assert {path.split(".")[0] for path in paths} <= names, kind
