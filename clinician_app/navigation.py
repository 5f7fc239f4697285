"""Going from page to page by id: the id in the address is random and means nothing to others."""

from typing import NoReturn

import streamlit as st

from clinician_app.session import SignedIn


def signed_in() -> SignedIn:
    """Return the clinician of this run, as the entry script found them."""
    found = st.session_state["signed_in"]
    if not isinstance(found, SignedIn):
        raise TypeError("the entry script sets this before any page runs")
    return found


def go(page: str, **ids: str) -> NoReturn:
    """Open another page about the record with these ids."""
    for name, value in ids.items():
        st.session_state[f"current_{name}"] = value
    st.switch_page(st.session_state["pages"][page], query_params=ids)


def current(name: str) -> str | None:
    """Return the id that the address names, else the one opened last at this browser.

    The address wins, so that a refreshed or bookmarked page shows the same patient again.
    """
    value = st.query_params.get(name) or st.session_state.get(f"current_{name}")
    if value is None:
        return None
    st.session_state[f"current_{name}"] = value
    if st.query_params.get(name) != value:
        st.query_params[name] = value
    return str(value)
