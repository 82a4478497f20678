//! Frames leave whole and in order, whoever sends them and however slowly they are taken.

use std::sync::Arc;

use super::*;
use crate::realtime::queue::MAX_WAITING_BYTES;
use crate::testing::SharedSocket;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, duplex};

fn message(head: &[u8], tail: &[u8]) -> Message {
    Message { head: Arc::from(head), tail: Bytes::copy_from_slice(tail) }
}

fn frame(head: &[u8], tail: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_header(&mut bytes, head.len() + tail.len());
    [&bytes, head, tail].concat()
}

async fn sent(own: &[u8], messages: &[(Vec<u8>, Vec<u8>)], pipe: usize) -> Vec<u8> {
    let (ours, mut theirs) = duplex(pipe);
    let queue = Queue::default();
    for (head, tail) in messages {
        queue.push(message(head, tail), MAX_WAITING_BYTES);
    }
    let mut outbound = Outbound::new(ours);
    if !own.is_empty() {
        outbound.text(own);
    }
    let sending = async {
        outbound.flush(&queue).await.unwrap();
        assert_eq!(queue.waiting_bytes(), 0);
        drop(outbound);
    };
    let mut received = Vec::new();
    let ((), read) = tokio::join!(sending, theirs.read_to_end(&mut received));
    read.unwrap();
    received
}

#[tokio::test]
async fn a_slow_connection_is_told_between_frames() {
    tokio::time::pause();
    let (ours, mut theirs) = duplex(1_000);
    let queue = Queue::default();
    let mut outbound = Outbound::new(ours);
    queue.push(message(b"head", &[b'x'; 2_000]), MAX_WAITING_BYTES);
    for _ in 0..3 {
        queue.push(message(b"head", &vec![b'y'; 1 << 20]), MAX_WAITING_BYTES);
    }
    let ended = outbound.flush(&queue).await;
    assert!(matches!(ended, Err(End::Closing(Closing::TooSlow))), "{ended:?}");
    let reading = async {
        let mut received = Vec::new();
        theirs.read_to_end(&mut received).await.unwrap();
        received
    };
    let (received, ()) = tokio::join!(reading, outbound.close(&queue, CloseCode::Again, "too slow"));
    assert!(received.ends_with(b"\x88\x0a\x03\xf5too slow"), "{:?}", &received[received.len() - 20..]);
}

#[tokio::test]
async fn who_takes_little_at_a_time_is_told_too() {
    tokio::time::pause();
    let (ours, mut theirs) = duplex(10_000);
    let (mut outbound, queue) = (Outbound::new(ours), Queue::default());
    outbound.batch.fill(&mut Vec::new(), &mut vec![message(b"head", &[b'z'; 100_000])]);
    let reading = async {
        let (mut received, mut part) = (Vec::new(), vec![0; 10_000]);
        loop {
            sleep(Duration::from_secs(1)).await;
            match theirs.read(&mut part).await.unwrap() {
                0 => return received,
                read => received.extend_from_slice(&part[..read]),
            }
        }
    };
    let (received, ()) = tokio::join!(reading, outbound.close(&queue, CloseCode::Again, "too slow"));
    assert!(received.ends_with(b"\x88\x0a\x03\xf5too slow"), "{} bytes and no reason", received.len());
}

#[tokio::test]
async fn nothing_follows_the_answer_to_a_close() {
    let (ours, mut theirs) = duplex(1_000);
    let queue = Queue::default();
    let mut outbound = Outbound::new(ours);
    outbound.text(b"{}");
    outbound.flush(&queue).await.unwrap();
    queue.push(message(b"head", b"tail"), MAX_WAITING_BYTES);
    outbound.text(b"complete");
    put_frame(outbound.own(), Frame::close(None));
    outbound.finish(&queue).await;
    let mut received = Vec::new();
    theirs.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, [&frame(b"{}", b"")[..], &frame(b"complete", b""), b"\x88\x00"].concat());
}

#[tokio::test]
async fn little_that_waits_may_wait_long() {
    tokio::time::pause();
    let (ours, mut theirs) = duplex(10);
    let queue = Queue::default();
    queue.push(message(b"head", b"a tail longer than the pipe"), MAX_WAITING_BYTES);
    let mut outbound = Outbound::new(ours);
    let late_reader = async {
        sleep(STALL * 5).await;
        let mut received = vec![0; 33];
        theirs.read_exact(&mut received).await.unwrap();
    };
    let (flushed, ()) = tokio::join!(outbound.flush(&queue), late_reader);
    flushed.unwrap();
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    Own,
    Send,
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop_oneof![0..200_usize, 4_000..4_200_usize, 17_000..18_000_usize].prop_map(Step::Push),
        1 => Just(Step::Own),
        3 => Just(Step::Send),
        2 => Just(Step::Flush),
    ]
}

proptest! {
    /// The connection's own frames come in their order too, somewhere between the messages.
    #[test]
    fn frames_leave_whole_whoever_sends_them(
        steps in prop::collection::vec(step(), 0..40),
        takes in prop::collection::vec(prop_oneof![Just(0_usize), 1..400_usize, Just(usize::MAX)], 0..20),
        is_too_slow: bool,
    ) {
        let socket = SharedSocket::taking(takes);
        let (mut outbound, queue) = (Outbound::new(socket.clone()), Queue::default());
        queue.share(Some(Arc::new(socket.clone())));
        let (mut messages, mut own) = (Vec::new(), Vec::new());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        for (number, step) in steps.iter().enumerate() {
            match step {
                Step::Push(length) => {
                    let head = format!("message {number} ").into_bytes();
                    let tail = vec![b'.'; *length];
                    queue.push(message(&head, &tail), MAX_WAITING_BYTES);
                    messages.push([head, tail].concat());
                }
                Step::Own => {
                    own.push(format!("own {number}").into_bytes());
                    outbound.text(own.last().unwrap());
                }
                Step::Send => queue.send(&mut Vec::new()),
                Step::Flush => runtime.block_on(outbound.flush(&queue)).unwrap(),
            }
        }
        messages.push(b"the last".to_vec());
        queue.push(message(b"the last", b""), MAX_WAITING_BYTES);
        if is_too_slow {
            queue.push(message(b"too much", b""), 0);
        } else {
            runtime.block_on(outbound.flush(&queue)).unwrap();
            prop_assert_eq!(queue.waiting_bytes(), 0);
        }
        runtime.block_on(outbound.close(&queue, CloseCode::Away, "over"));
        let mut sent = socket.payloads();
        prop_assert_eq!(sent.pop().unwrap(), b"\x03\xe9over");
        let (sent_own, sent): (Vec<_>, Vec<_>) = sent.into_iter().partition(|text| text.starts_with(b"own"));
        prop_assert_eq!(sent_own, own);
        prop_assert!(messages.starts_with(&sent));
        prop_assert!(is_too_slow || messages.len() == sent.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn frames_leave_whole_and_in_order(
        own in prop::collection::vec(any::<u8>(), 0..20),
        sizes in prop::collection::vec((0..300_usize, prop_oneof![0..200_usize, 4_000..4_200_usize, 20_000..25_000_usize]), 0..60),
        pipe in prop_oneof![Just(200_usize), Just(5_000), Just(1 << 20)],
    ) {
        let fill = |length: usize, salt: usize| (0..length).map(|at| u8::try_from((at + salt) % 251).unwrap()).collect::<Vec<_>>();
        let messages: Vec<_> =
            sizes.iter().enumerate().map(|(salt, (head, tail))| (fill(*head, salt), fill(*tail, salt + 7))).collect();
        let mut expected = if own.is_empty() { vec![] } else { frame(&own, b"") };
        for (head, tail) in &messages {
            expected.extend(frame(head, tail));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let received = runtime.block_on(sent(&own, &messages, pipe));
        prop_assert!(received == expected);
    }
}
