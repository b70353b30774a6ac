//! Strangers' photos take no more of the disk than the city allows a day.

use crate::appeals::{Citizen, START, water};
use crate::cases::{life, world};
use hyper::Method;

/// A photo of 100 bytes; each number is another.
fn photo(number: u8) -> String {
    format!("RIFF\0\0\0\0WEBPVP8 {number:084}")
}

#[test]
fn a_day_has_room_for_so_many_bytes_also_after_a_restart() {
    let mut world = world(START);
    world.settings.photo_bytes_a_day = 250;
    let first = life(&world, &[]);
    let theirs = first.runtime.block_on(async {
        let citizen = Citizen::at(&first, "10.0.0.1");
        let (_, theirs) = citizen.reports(&water(0.0)).await;
        for number in [1, 2] {
            let sent = citizen.client.send(Method::POST, &theirs.path("/photos"), &[], &photo(number)).await;
            assert_eq!(sent.status, 200, "{number}");
        }
        theirs
    });
    first.stop();
    let second = world.live();
    second.runtime.block_on(async {
        let citizen = Citizen::at(&second, "10.0.0.1");
        let refused = citizen.client.send(Method::POST, &theirs.path("/photos"), &[], &photo(3)).await;
        assert_eq!((refused.status.as_u16(), refused.header("content-type")), (507, "application/problem+json"));
        let told = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(told.contains("no more photos") && told.contains("tomorrow"), "{told}");
        // What is small enough still fits, and the appeal is as good without a photo.
        let small = "RIFF\0\0\0\0WEBPVP8 x";
        let sent = citizen.client.send(Method::POST, &theirs.path("/photos"), &[], small).await;
        assert_eq!((sent.status.as_u16(), sent.json()["photos"].as_u64()), (200, Some(3)));
        let metrics = String::from_utf8(second.client.get("/metrics").await.body.to_vec()).unwrap();
        assert!(metrics.contains("citywatch_photos_refused_total 1\n"), "{metrics}");
    });
    let kept = std::fs::read_dir(world.settings.data_dir.join("evidence")).unwrap().count();
    assert_eq!(kept, 3, "what was refused is not on the disk");
    second.stop();
}
