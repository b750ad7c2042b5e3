//! What a kubeconfig says of a user: by what the API server knows them.

use super::data;
use super::format::User;
use super::refusal::{Place, Refusal};
use super::resolve::set;
use crate::shell::api::credentials::Bearer;
use crate::shell::api::server::{Identity, Pem};

/// What to do instead of anything interactive.
const INSTEAD: &str = "Use a service account's token instead: kubectl create token NAME --namespace NAMESPACE --duration 24h prints one; put it into a \
                       file, and name that as the user's tokenFile";

/// The one thing the user is known by. Beside a certificate a token is not used: the API server would not look at it either.
pub(super) fn identity(user: User, place: &Place<'_>) -> Result<Identity, Refusal> {
    refuse_what_is_not_done(&user, place)?;
    let fields = ["client-certificate-data", "client-certificate"];
    let chain = pem(user.client_certificate_data, user.client_certificate, fields, place)?;
    let key = pem(user.client_key_data, user.client_key, ["client-key-data", "client-key"], place)?;
    match (chain, key) {
        (Some(chain), Some(key)) => return Ok(Identity::Certificate { chain, key }),
        (Some(_), None) => {
            return Err(place.within("client-key").refuse("it is not set, but there is a client-certificate, which is of no use without"));
        }
        (None, Some(_)) => {
            return Err(place.within("client-certificate").refuse("it is not set, but there is a client-key, which is of no use without"));
        }
        (None, None) => {}
    }
    if let Some(file) = set(user.token_file) {
        return Ok(Identity::TokenFile(place.path(&file)));
    }
    let place_of_token = place.within("token");
    match set(user.token) {
        Some(token) if data::is_withheld(&token) => Err(withheld(&place_of_token)),
        Some(token) => Bearer::parse(&token).map(Identity::Token).map_err(|why| place_of_token.refuse(why)),
        None => {
            Err(place.refuse(format!("it has neither a token, nor a tokenFile, nor a client-certificate with its client-key. {INSTEAD}")))
        }
    }
}

/// Whatever would make us somebody else if it were passed over.
fn refuse_what_is_not_done(user: &User, place: &Place<'_>) -> Result<(), Refusal> {
    let has = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let programs = "the driver runs no program for its credentials";
    let passwords = "API servers have not taken passwords since Kubernetes 1.19";
    let others = "the driver acts for nobody but itself";
    let fields = [
        ("exec", user.exec.is_some(), programs),
        ("auth-provider", user.auth_provider.is_some(), programs),
        ("username", has(&user.username), passwords),
        ("password", has(&user.password), passwords),
        ("as", has(&user.act_as), others),
        ("as-uid", has(&user.as_uid), others),
        ("as-groups", user.as_groups.is_some(), others),
        ("as-user-extra", user.as_user_extra.is_some(), others),
    ];
    match fields.into_iter().find(|(_, is_set, _)| *is_set) {
        Some((field, _, why)) => Err(place.within(field).refuse(format!("{why}. {INSTEAD}"))),
        None => Ok(()),
    }
}

/// PEM from one of two `fields`: the first has it, the second a path. As for kubectl, the first wins.
pub(super) fn pem(
    given: Option<String>,
    file: Option<String>,
    [data_field, file_field]: [&str; 2],
    place: &Place<'_>,
) -> Result<Option<Pem>, Refusal> {
    let Some(given) = set(given) else {
        return Ok(set(file).map(|file| Pem::File(place.path(&file))));
    };
    let here = place.within(data_field);
    if data::is_withheld(&given) {
        return Err(withheld(&here));
    }
    let text = data::decode(&given).map_err(|why| here.refuse(format!("{why}. A path to a PEM file would be {file_field}")))?;
    Ok(Some(Pem::Given(text)))
}

fn withheld(place: &Place<'_>) -> Refusal {
    place.refuse("kubectl left the value out when it wrote this file: write it again with --raw")
}
