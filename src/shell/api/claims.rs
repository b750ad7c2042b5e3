//! What a bearer token says of itself. Nothing hangs on it but a number for whoever watches: only the API server knows whether it is true.

use serde::Deserialize;

use super::kubeconfig::base64;

#[derive(Deserialize)]
struct Claims {
    exp: Option<f64>,
}

/// When a token expires, in seconds since 1970, if it is a JWT that says so.
pub(super) fn expires(token: &str) -> Option<f64> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else { return None };
    let mut letters = claims.replace('-', "+").replace('_', "/");
    while !letters.len().is_multiple_of(4) {
        letters.push('=');
    }
    serde_json::from_slice::<Claims>(&base64(&letters)?).ok()?.exp
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_jwt_that_says_so_expires() {
        // {"exp":2000000000}, {"exp":1.5e9,"sub":"ÿ>?"}, {}
        for (claims, wanted) in [
            ("eyJleHAiOjIwMDAwMDAwMDB9", Some(2e9)),
            ("eyJleHAiOjEuNWU5LCJzdWIiOiLDvz4_In0", Some(1.5e9)),
            ("e30", None),
            ("!", None),
            ("bm8ganNvbg", None),
        ] {
            assert_eq!(expires(&format!("e30.{claims}.c2ln")), wanted, "{claims}");
        }
        for token in ["", "opaque", "a.b", "e30.eyJleHAiOjIwMDAwMDAwMDB9.c2ln.more"] {
            assert_eq!(expires(token), None, "{token}");
        }
    }
}
