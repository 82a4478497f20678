//! The argument `since` of a poll.

use std::sync::Arc;

use mesh_core::cursor::{MAX_TEXT_LENGTH, Since};

use crate::classroom::{Classroom, Nobody, block_on};

/// A cursor that was read is written as what reads as the same; a poll with it shows the newest events, without
/// a gap.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let since = Since::parse(text);
    if let Ok(Since::Cursor(cursor)) = since {
        let written = cursor.to_string();
        assert!(cursor.reader.is_some() || written.len() <= MAX_TEXT_LENGTH, "{written}");
        assert_eq!(Since::parse(&written).unwrap(), Since::Cursor(cursor));
    }
    if text.len() > 200 {
        return;
    }
    block_on(async {
        let room = Classroom::new(Arc::new(Nobody)).await;
        for names in [&["0", "1", "2"][..], &["3"], &["4", "5"]] {
            room.home.record_names(&room.group, "host", names).await.unwrap();
        }
        let all = room.home.events_since(&room.group, "").await;
        assert_eq!(all.len(), 6);
        // The epoch is random: where the text has an E, a real one is put in its place.
        let (epoch, _) = all[0].cursor.split_once('-').unwrap();
        let text = text.replace('E', epoch);
        match room.home.poll(&room.group, &text).await {
            Ok(_) => {
                let names = room.home.names_since(&room.group, &text).await;
                let expected = all[all.len() - names.len()..].iter().map(|heard| &heard.name);
                assert!(names.iter().eq(expected), "{names:?} are not the newest");
            }
            // A cursor of this life of the store may lie beyond the end.
            Err(error) => {
                assert!(!matches!(Since::parse(&text), Ok(Since::Everything | Since::Time(_))), "{error}");
            }
        }
    });
}
