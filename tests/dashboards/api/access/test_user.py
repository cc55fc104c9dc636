"""Tests of dashboards.api.access.user."""

from typing import Any

import pytest

from dashboards.api.access.user import ClaimsError, user_of
from schemas.settings import Settings

SETTINGS = Settings(oidc_roles_claim="realm_access.roles", oidc_entity_claim="of.entity")


def claims(**more: Any) -> dict[str, Any]:
    return {"sub": "1", "exp": 1, "realm_access": {"roles": ["viewer"]}, **more}


@pytest.mark.parametrize("nothing", [{}, {"of": {}}, {"of": None}, {"of": "K"}], ids=str)
def test_without_the_claim_somebody_sees_everything(nothing: dict[str, Any]) -> None:
    assert user_of(claims(**nothing), SETTINGS).entity is None


@pytest.mark.parametrize("code", [None, "", " ", [], ["K", "L"], 7, False], ids=repr)
@pytest.mark.parametrize("nested", [True, False])
def test_a_claim_that_says_nothing_opens_nothing(code: object, nested: bool) -> None:
    with pytest.raises(ClaimsError, match=r"of\.entity is not the code of one entity"):
        user_of(claims(of={"entity": code}) if nested else claims(**{"of.entity": code}), SETTINGS)
