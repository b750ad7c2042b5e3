//! What only HTTP/2 frames written by hand can say: an authority that is none, beside one that is, on one connection.

use std::path::Path;

use rig::Outcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::scene::Scene;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PROTOCOL_ERROR: [u8; 4] = [0, 0, 0, 1];

/// A client with no opinion on what it sends.
struct Client(UnixStream);

impl Client {
    async fn connect(socket: &Path) -> Outcome<Self> {
        let mut client = Self(UnixStream::connect(socket).await?);
        client.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
        client.send(SETTINGS, 0, 0, &[]).await?;
        Ok(client)
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Outcome<()> {
        let length = u32::try_from(payload.len())?.to_be_bytes();
        let mut frame = length.get(1..).unwrap_or_default().to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        Ok(self.0.write_all(&frame).await?)
    }

    /// `GetCapabilities`, under this authority.
    async fn call(&mut self, stream: u32, authority: &str) -> Outcome<()> {
        let mut block = Vec::new();
        for (name, value) in [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/openshell.compute.v1.ComputeDriver/GetCapabilities"),
            (":authority", authority),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ] {
            // Literal, not indexed, not compressed; each is shorter than 127 bytes.
            block.push(0);
            for text in [name, value] {
                block.push(u8::try_from(text.len())?);
                block.extend(text.bytes());
            }
        }
        self.send(HEADERS, END_HEADERS, stream, &block).await?;
        self.send(DATA, END_STREAM, stream, &[0, 0, 0, 0, 0]).await
    }

    /// The next frame of a stream: its kind and payload. The end of the connection is an error.
    async fn next(&mut self, wanted: u32) -> Outcome<(u8, Vec<u8>)> {
        loop {
            let mut length = [0; 4];
            self.0.read_exact(length.get_mut(1..).unwrap_or_default()).await?;
            let (kind, _flags) = (self.0.read_u8().await?, self.0.read_u8().await?);
            let stream = self.0.read_u32().await?;
            let mut payload = vec![0; u32::from_be_bytes(length).try_into()?];
            self.0.read_exact(&mut payload).await?;
            if kind == GOAWAY {
                return Err("the driver ends the connection".into());
            }
            if stream == wanted {
                return Ok((kind, payload));
            }
        }
    }
}

#[tokio::test]
async fn a_path_as_authority_costs_that_stream_and_nothing_else() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_driver, _gateway) = scene.start().await?;
    let mut client = Client::connect(&scene.socket()).await?;
    for stream in [1, 5] {
        client.call(stream, "%2Frun%2Fopenshell%2Fdriver.sock").await?;
        assert_eq!(client.next(stream).await?, (RST_STREAM, PROTOCOL_ERROR.to_vec()));
        client.call(stream + 2, "localhost").await?;
        assert_eq!(client.next(stream + 2).await?.0, HEADERS);
        let (kind, message) = client.next(stream + 2).await?;
        assert!(kind == DATA && message.windows(4).any(|bytes| bytes == b"kyma"), "{kind} {message:?}");
    }
    Ok(())
}
