//! The publisher's connection: opened before the first call, and left behind when it has died in silence, as one
//! does while Lambda keeps a function frozen.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mesh_lambda::client::connector_trusting;
use mesh_lambda::publisher::AppSyncPublisher;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::publishing::{configuration, recording};
use super::{Functions, store};

/// An API over TLS and HTTP/2, behind a wire on which connections can die.
struct Api {
    url: String,
    roots: String,
    opened: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    deaths: watch::Sender<()>,
}

impl Api {
    async fn serve() -> Self {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let opened = Arc::new(AtomicUsize::new(0));
        let deaths = watch::Sender::new(());
        let api = Self {
            url: format!("https://localhost:{}/graphql", wire.local_addr().unwrap().port()),
            roots: certified.cert.pem(),
            opened: opened.clone(),
            requests: requests.clone(),
            deaths: deaths.clone(),
        };
        let address = server.local_addr().unwrap();
        tokio::spawn(serve_http2(server, acceptor(&certified), requests));
        tokio::spawn(async move {
            while let Ok((near, _)) = wire.accept().await {
                opened.fetch_add(1, Ordering::SeqCst);
                let far = TcpStream::connect(address).await.unwrap();
                tokio::spawn(carry(near, far, deaths.subscribe()));
            }
        });
        api
    }

    /// From now on nothing comes through the connections that are open, and neither side is told.
    fn connections_die(&self) {
        self.deaths.send_replace(());
    }

    fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }
}

/// Carries bytes both ways until the connection dies.
async fn carry(mut near: TcpStream, mut far: TcpStream, mut deaths: watch::Receiver<()>) {
    tokio::select! {
        biased;
        Ok(()) = deaths.changed() => std::future::pending().await,
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
    }
}

fn acceptor(certified: &rcgen::CertifiedKey<rcgen::KeyPair>) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn serve_http2(server: TcpListener, acceptor: TlsAcceptor, requests: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = server.accept().await {
        let (acceptor, requests) = (acceptor.clone(), requests.clone());
        tokio::spawn(async move {
            let stream = acceptor.accept(stream).await.unwrap();
            let answer = service_fn(move |request: Request<Incoming>| {
                let requests = requests.clone();
                async move {
                    request.into_body().collect().await.unwrap();
                    requests.fetch_add(1, Ordering::SeqCst);
                    let published = json!({ "data": { "publishEventsByNode": {} } }).to_string();
                    Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(published)))
                }
            });
            let serve = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            serve.serve_connection(TokioIo::new(stream), answer).await
        });
    }
}

#[tokio::test]
async fn a_connection_that_died_in_silence_costs_one_try() {
    let api = Api::serve().await;
    let roots = api.roots.clone();
    let publisher =
        AppSyncPublisher::new(&api.url, &configuration(), move || connector_trusting(&roots)).unwrap();
    publisher.open_connection().await;
    assert_eq!(api.opened(), 1);

    let functions = Functions::over(store().await.publishing_to(Arc::new(publisher)));
    let mut record = recording(&functions).await;
    assert_eq!(functions.answer(&record).await["data"]["recordedCount"], 2);
    assert_eq!(api.opened(), 1, "the first call finds a connection");
    assert_eq!(api.requests.load(Ordering::SeqCst), 2);

    api.connections_die();
    record["arguments"]["events"][0]["eventName"] = json!("stop");
    assert_eq!(functions.answer(&record).await["data"]["recordedCount"], 2);
    assert_eq!(api.opened(), 2, "the next try opens another one");
    assert_eq!(api.requests.load(Ordering::SeqCst), 3);
}
