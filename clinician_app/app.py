"""The dashboard: pages, who is signed in, and what to say when the service behind is away.

Streamlit runs this file at every click. `python -m clinician_app dashboard` serves it.
"""

import sys
from pathlib import Path

import streamlit as st

# Streamlit puts this folder first on sys.path: a module here named like a library would hide it,
# and the repository root, which is what imports start from, may be missing altogether.
ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from clinician_app import look, session  # noqa: E402
from clinician_app.http_client import ApiDown, Refused, SignedOut  # noqa: E402
from clinician_app.pages import build  # noqa: E402

st.set_page_config(page_title="ClinAIOps", layout="wide", initial_sidebar_state="collapsed")
st.html(look.CSS)


def main() -> None:
    """Run the page that was asked for, as the one who is signed in."""
    pages = build()
    st.session_state["pages"] = pages
    chosen = st.navigation(list(pages.values()), position="top")
    try:
        signed_in = session.require()
        st.session_state["signed_in"] = signed_in
        role = "" if signed_in.role == "clinician" else f" ({signed_in.role})"
        st.html(
            f'<div class="who">{look.esc(signed_in.display_name)}{look.esc(role)} · '
            '<a href="/sign-out" target="_self">Sign out</a></div>'
        )
        chosen.run()
    except ApiDown:
        st.error("The clinician service does not answer. Nothing was changed.", icon="⚠️")
        st.button("Try again", key="try_again")
    except SignedOut:
        session.stop_signed_out()
    except Refused as refusal:
        st.error(str(refusal), icon="⚠️")


main()
