//! The file of a store. The first byte says what the others are: the file itself, damage to a good file, or rows
//! whose checksum is right.

use std::sync::{Arc, LazyLock};

use mesh_core::testing::{Harness, TestClock};
use mesh_local::testing::TestDisk;
use mesh_local::{LocalStore, OpenError};

use crate::classroom::{Nobody, block_on, settings};

/// A file with a little of everything.
static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    block_on(async {
        let disk = TestDisk::default();
        let home = open(&disk).unwrap();
        let group = home.create_with_poller("host").await;
        let other = home.with_secret("a secret of enough length").create("other").await.key();
        for number in 0..5 {
            home.report(&group, "host", &[("x", &number.to_string())]).await.unwrap();
            home.record_names(&group, "poller", &["a", "b"]).await.unwrap();
        }
        home.leave(&group, "poller").await.unwrap();
        home.with_secret("a secret of enough length").dissolve(&other, "other").await.unwrap();
        disk.kill();
        disk.bytes()
    })
});

/// A file is refused and stays as it is, or it is read, works, and is read again.
pub fn check(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let file = match kind % 3 {
        0 => bytes.to_vec(),
        1 => damaged(bytes),
        _ => mesh_local::testing::log_of(bytes),
    };
    let disk = TestDisk::holding(file.clone());
    match open(&disk) {
        Ok(home) => block_on(works(&disk, home)),
        Err(error) => {
            assert!(matches!(error, OpenError::Unusable { .. }), "{error}");
            assert_eq!(disk.bytes(), file, "nothing is deleted");
        }
    }
}

/// The good file, with a cut and some bytes changed: two bytes say where, the next one what.
fn damaged(bytes: &[u8]) -> Vec<u8> {
    let mut file = GOOD.clone();
    let place = |low: u8, high: u8| usize::from(u16::from_le_bytes([low, high])) % GOOD.len();
    let mut damage = bytes.chunks_exact(3);
    for change in &mut damage {
        file[place(change[0], change[1])] ^= change[2];
    }
    if let [low, high] = *damage.remainder() {
        file.truncate(place(low, high));
    }
    file
}

async fn works(disk: &TestDisk, home: Harness<LocalStore>) {
    // A file may hold so many groups that there is no room for one more.
    let Ok(group) = home.create_in("of its own", "host").await else { return };
    let group = group.key();
    home.report(&group, "host", &[("x", "1")]).await.unwrap();
    home.record_names(&group, "host", &["a"]).await.unwrap();
    home.context.store.sweep(home.now()).await.unwrap();
    disk.kill();
    drop(home);
    let home = open(disk).unwrap();
    assert_eq!(home.names_since(&group, "").await, ["a"]);
    assert_eq!(home.statuses(&group).await.unwrap().len(), 1);
}

fn open(disk: &TestDisk) -> Result<Harness<LocalStore>, OpenError> {
    let clock = Arc::<TestClock>::default();
    let store = LocalStore::open_on(disk, settings(), clock.clone(), Arc::new(Nobody))?;
    Ok(Harness::new(store, clock, settings().settings))
}
