//! No secret is printed, at any level.

use std::collections::BTreeMap;

use super::gateway::Gateway;
use super::house::{House, SLOW, synced};
use super::kube::{Kube, respond};
use super::soon;
use crate::contract::messages::compute as pb;
use crate::core::io::{ContentType, ExchangeId, HttpRequest, Input, Lane, Method, Output, Reply};
use crate::core::secret::Body;
use crate::core::time::Mono;
use crate::shell::log::Form;
use crate::shell::log::tests::Captured;

/// What must not be seen.
const SECRETS: [&str; 3] = ["bearer-token-of-the-driver", "value-of-an-environment-variable", "token-of-a-sandbox"];

#[tokio::test]
async fn no_level_of_the_log_shows_a_secret() {
    let [bearer, value, token] = SECRETS;
    let log = Captured::default();
    let _guard = tracing::subscriber::set_default(log.subscriber("trace", Form::Json));

    let kube = Kube::new().await;
    std::fs::write(kube.scratch.path("token"), bearer).unwrap();
    let (api, _, _kube) = kube.answer_all(|(request, mut answer)| async move {
        assert_eq!(request.headers().get("authorization").unwrap(), &format!("Bearer {}", SECRETS.first().unwrap()));
        respond(&mut answer, 201, r#"{"env":"value-of-an-environment-variable"}"#);
    });
    let mut call = None;
    let mut house = House::with(api, SLOW, move |input| match input {
        Input::Wake => vec![synced()],
        Input::Call { call: id, .. } => {
            call = Some(*id);
            let body = Body::json(&serde_json::json!({ "env": value, "token": token }));
            let path = "/apis/agents.x-k8s.io/v1beta1/namespaces/a/sandboxes".into();
            let request = HttpRequest { method: Method::Post, path, content_type: Some(ContentType::Json), body };
            vec![Output::Exchange { exchange: ExchangeId(1), lane: Lane::Requests, request, deadline: Mono(60_000) }]
        }
        Input::Answer { result: Ok(_), .. } => {
            let reply = Ok(Reply::CreateSandbox(pb::CreateSandboxResponse::default()));
            call.take().map(|call| Output::Reply { call, reply }).into_iter().collect()
        }
        _ => vec![],
    });
    assert_eq!(house.input().await, Input::Wake);
    let gateway = Gateway::connect(&house.socket).await;
    let spec = pb::DriverSandboxSpec {
        sandbox_token: token.into(),
        environment: BTreeMap::from([("KEY".to_owned(), value.to_owned())]),
        ..Default::default()
    };
    let sandbox = pb::DriverSandbox { id: "id".into(), name: "name".into(), spec: Some(Box::new(spec)), ..Default::default() };
    let request = pb::CreateSandboxRequest { sandbox: Some(sandbox) };
    soon(gateway.call::<_, pb::CreateSandboxResponse>("CreateSandbox", request)).await.unwrap();

    let text = log.text();
    assert!(text.contains("driver ready") && text.contains("connected to the API server"), "{text}");
    for secret in SECRETS {
        assert!(!text.contains(secret), "{text}");
    }
}
