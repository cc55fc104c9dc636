"""Bearer tokens (JWT, RFC 7519 and 9068), checked against the issuer's keys."""

from typing import Any

from joserfc import jws, jwt
from joserfc.errors import (
    BadSignatureError,
    ClaimError,
    ExpiredTokenError,
    InvalidClaimError,
    JoseError,
    UnsupportedAlgorithmError,
)
from joserfc.jwa import JWSAlgModel
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from dashboards.api.access.issuer import Issuer

# Asymmetric ones only, whatever the issuer offers and a token's header says.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
# Clocks of machines may differ by so much.
LEEWAY_S = 30
# What a header calls an access token; ID and logout tokens of the same issuer are none.
_TYPES = (None, "jwt", "at+jwt", "application/at+jwt")


class TokenError(Exception):
    """The token is not accepted; the text says why. `claims`: of one that the issuer did sign."""

    def __init__(self, why: str, claims: dict[str, Any] | None = None) -> None:
        """`why`: a plain sentence without quotation marks, which headers cannot hold."""
        super().__init__(why)
        self.claims = claims


class _Allowed(JWSRegistry):
    """ALGORITHMS, and nothing said of them: the library warns of the name EdDSA, which issuers do use."""

    def get_alg(self, name: str) -> JWSAlgModel:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


_REGISTRY = _Allowed(strict_check_header=False)


async def claims_of(token: str, issuer: Issuer, audience: str) -> dict[str, Any]:
    """The claims of a token that is good. Raises TokenError; AwayError where nobody can tell."""
    try:
        header = jws.extract_compact(token.encode(), registry=_REGISTRY).headers()
        # Before a key is looked for: no message authentication code is ever computed.
        _REGISTRY.get_alg(str(header.get("alg")))
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise TokenError("the token does not say by which key it is signed (kid)")
        if (kind := header.get("typ")) is not None and str(kind).lower() not in _TYPES:
            raise TokenError("the token is not an access token")
        key = await issuer.key(kid)
        if key is None:
            raise TokenError("the issuer has no such key as the token names")
        claims = jwt.decode(token, key, registry=_REGISTRY).claims
    except UnsupportedAlgorithmError:
        raise TokenError(f"the token is not signed by one of {', '.join(sorted(ALGORITHMS))}") from None
    except BadSignatureError:
        raise TokenError("the signature of the token is wrong") from None
    # A TypeError where the header has a value of another type than its name says.
    except (JoseError, TypeError, ValueError, RecursionError):
        raise TokenError("the token is no signed JWT, or not for its key") from None
    _check(claims, issuer.url, audience)
    return claims


def _check(claims: dict[str, Any], issuer: str, audience: str) -> None:
    wanted = JWTClaimsRegistry(
        leeway=LEEWAY_S,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
        sub={"essential": True},
    )
    try:
        wanted.validate(claims)
    except ExpiredTokenError:
        raise TokenError("the token has expired", claims) from None
    except InvalidClaimError as error:
        words = {"iss": f"the token is not by {issuer}", "aud": f"the token is not for {audience} (aud)"}
        raise TokenError(
            words.get(error.claim, f"the token is not valid now, or wrong in {error.claim}"), claims
        ) from None
    except ClaimError as error:
        raise TokenError(f"the token does not say {error.claim}", claims) from None
    # Keycloak says so of its ID tokens, which are for the same client.
    if claims.get("typ", "Bearer") != "Bearer":
        raise TokenError("the token is not an access token", claims)
