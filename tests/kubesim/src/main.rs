//! `kubesim`: a model cluster to play with, until SIGTERM.

#![expect(clippy::disallowed_methods, reason = "a command reads its flags and writes its files")]

use kubesim::serve::Server;
use kubesim::{Access, ControllerRelease, NodeShape, Options, Pace, Presence};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

const HELP: &str = "\
kubesim: a model Kubernetes cluster with the agent-sandbox controller, served over HTTPS on 127.0.0.1

Usage: kubesim [--port N] [--out DIR] [--release X.Y.Z] [--pace lifelike|brisk] [--gpus N] [--kyma]

  --port N           listen on this port; 0, the default, takes a free one
  --out DIR          write ca.crt, token and kubeconfig there (made if absent); default: ./kubesim
  --release X.Y.Z    the agent-sandbox release: 0.4.6, 0.5.0, 0.5.3, 0.5.4, 0.5.6 (default)
  --pace WORD        lifelike: pods take seconds (default); brisk: milliseconds
  --gpus N           GPUs of the one node, default 0
  --kyma             also serve APIRule, VirtualService and Gateway

Then: kubectl --kubeconfig DIR/kubeconfig get sandboxes
";

/// The only token accepted, so that a missing or wrong one is noticed.
const TOKEN: &str = "kubesim-token";

struct Flags {
    address: SocketAddr,
    out: PathBuf,
    options: Options,
}

enum Wish {
    Help,
    Serve(Box<Flags>),
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Wish, String> {
    let mut port = 0_u16;
    let mut out = PathBuf::from("kubesim");
    let mut options =
        Options { pace: Pace::LIFELIKE, access: Access::open().with_tokens([(TOKEN, "kubesim:admin")]), ..Options::default() };
    while let Some(flag) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{flag} needs a value"));
        match flag.as_str() {
            "--help" | "-h" => return Ok(Wish::Help),
            "--kyma" => options.kyma = Presence::Present,
            "--out" => out = PathBuf::from(value()?),
            "--port" => {
                let text = value()?;
                port = text.parse().map_err(|_| format!("--port: '{text}' is no port number"))?;
            }
            "--gpus" => {
                let text = value()?;
                let gpus = text.parse().map_err(|_| format!("--gpus: '{text}' is no number"))?;
                let node = NodeShape { name: "node-1".to_owned(), gpus, labels: Vec::new() };
                options.nodes = vec![node];
            }
            "--pace" => {
                options.pace = match value()?.as_str() {
                    "lifelike" => Pace::LIFELIKE,
                    "brisk" => Pace::BRISK,
                    other => return Err(format!("--pace is lifelike or brisk, not '{other}'")),
                };
            }
            "--release" => {
                options.release = match value()?.trim_start_matches('v') {
                    "0.4.6" => ControllerRelease::V0_4_6,
                    "0.5.0" => ControllerRelease::V0_5_0,
                    "0.5.3" => ControllerRelease::V0_5_3,
                    "0.5.4" => ControllerRelease::V0_5_4,
                    "0.5.6" => ControllerRelease::V0_5_6,
                    other => {
                        return Err(format!("--release is 0.4.6, 0.5.0, 0.5.3, 0.5.4 or 0.5.6, not '{other}'"));
                    }
                };
            }
            other => return Err(format!("there is no flag '{other}'; see kubesim --help")),
        }
    }
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    Ok(Wish::Serve(Box::new(Flags { address, out, options })))
}

fn kubeconfig(server: &Server, out: &Path) -> String {
    let ca = std::path::absolute(out.join("ca.crt")).unwrap_or_else(|_| out.join("ca.crt"));
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         clusters:\n\
         - name: kubesim\n  cluster:\n    server: {}\n    certificate-authority: {}\n\
         users:\n\
         - name: kubesim\n  user:\n    token: {TOKEN}\n\
         contexts:\n\
         - name: kubesim\n  context:\n    cluster: kubesim\n    user: kubesim\n    namespace: openshell-system\n\
         current-context: kubesim\n",
        server.url(),
        ca.display()
    )
}

fn write(out: &Path, name: &str, content: &str) -> Result<(), String> {
    let path = out.join(name);
    std::fs::write(&path, content).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

async fn serve(flags: Flags) -> Result<(), String> {
    let out = flags.out;
    let server =
        Server::start_on(flags.options, flags.address).await.map_err(|error| format!("cannot serve on {}: {error}", flags.address))?;
    std::fs::create_dir_all(&out).map_err(|error| format!("{} cannot be made: {error}; name another with --out", out.display()))?;
    write(&out, "ca.crt", &server.ca_pem)?;
    write(&out, "token", TOKEN)?;
    write(&out, "kubeconfig", &kubeconfig(&server, &out))?;
    say(&format!("kubesim serves {}\nkubectl --kubeconfig {}/kubeconfig get sandboxes", server.url(), out.display()));
    let listen = |kind| signal(kind).map_err(|error| format!("cannot wait for signals: {error}"));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what a command says goes to its standard output")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "why a command failed goes to its standard error")]
fn complain(text: &str) {
    eprintln!("kubesim: {text}");
}

#[tokio::main]
async fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Ok(Wish::Help) => {
            say(HELP.trim_end());
            ExitCode::SUCCESS
        }
        Ok(Wish::Serve(flags)) => match serve(*flags).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                complain(&why);
                ExitCode::FAILURE
            }
        },
        Err(why) => {
            complain(&why);
            ExitCode::from(2)
        }
    }
}
