//! A conversation with the city's WeChat account, as the platform carries it: signed, sent again, and cut by a kill.

use crate::agree::each_received;
use crate::city::{Running, data_dir};
use crate::page::{Answer, Session};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

const TOKEN: &str = "aTokenOfTests1";
const OPEN_ID: &str = "oSomebody-Personal_42";

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

/// SHA-1 as another program reckons it.
fn sha1(text: &str) -> String {
    let mut sum =
        Command::new("sha1sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sha1sum is there");
    sum.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = sum.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

/// The path with what the platform puts into it.
fn signed(at: i64) -> String {
    let (timestamp, nonce) = (at.to_string(), "1320562132");
    let mut parts = [TOKEN, &timestamp, nonce];
    parts.sort_unstable();
    format!("/wechat/messages?signature={}&timestamp={timestamp}&nonce={nonce}", sha1(&parts.concat()))
}

/// Sends a message of this number.
fn say(page: &Session, id: u64, fields: &str) -> Answer {
    let xml = format!(
        "<xml><ToUserName><![CDATA[gh_city]]></ToUserName><FromUserName><![CDATA[{OPEN_ID}]]></FromUserName>\
         <CreateTime>{}</CreateTime>{fields}<MsgId>{id}</MsgId></xml>",
        now()
    );
    page.send("POST", &signed(now()), &[("Content-Type", "text/xml")], &xml)
}

fn text(words: &str) -> String {
    format!("<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{words}]]></Content>")
}

const LOCATION: &str = "<MsgType><![CDATA[location]]></MsgType><Location_X>39.921</Location_X>\
    <Location_Y>116.426</Location_Y><Scale>16</Scale><Label><![CDATA[somewhere]]></Label>";

/// The words of an answer, which must be one.
fn words(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains(&format!("<ToUserName><![CDATA[{OPEN_ID}]]></ToUserName>")), "{}", answer.body);
    let content = answer.body.split("<Content><![CDATA[").nth(1).expect("it answers");
    content.split("]]>").next().unwrap().to_owned()
}

/// Number and secret of an answer.
fn told(words: &str) -> (String, String) {
    let behind = |word: &str| {
        let rest = words.split(word).nth(1).unwrap_or_else(|| panic!("{words}"));
        rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect()
    };
    (behind("编号 "), behind("查询码 "))
}

fn start(folder: &Path, mqtt: u16) -> (Running, Session) {
    let city = Running::again(folder, mqtt);
    let page = Session::sign_in(&city.page());
    (city, page)
}

#[test]
fn what_is_said_by_wechat_is_taken_in_once() {
    let folder = tempfile::tempdir().unwrap();
    let city = Running::start(folder.path(), "");
    let page = Session::sign_in(&city.page());
    assert_eq!(page.send("GET", &format!("{}&echostr=1", signed(now())), &[], "").status, 404, "without the setting");
    city.stop();

    std::fs::write(folder.path().join("wechat-token"), TOKEN).unwrap();
    std::fs::write(folder.path().join("wechat.toml"), include_str!("../../deploy/wechat.toml")).unwrap();
    let mqtt = Running::set_up(folder.path(), "center.wechat = \"wechat.toml\"\n");
    let (city, page) = start(folder.path(), mqtt);
    let echoed = page.send("GET", &format!("{}&echostr=4375120948345356249", signed(now())), &[], "");
    assert_eq!((echoed.status, &*echoed.body), (200, "4375120948345356249"));
    let wrong = signed(now()).replace("nonce=1", "nonce=2");
    assert_eq!(page.send("POST", &wrong, &[], "<xml></xml>").status, 403, "another's signature");
    let old = page.send("POST", &signed(now() - 400), &[], "<xml></xml>");
    assert!(old.status == 403 && old.body.contains("five minutes"), "{}", old.body);
    assert_eq!(page.send("POST", &signed(now()), &[], "<xml>").status, 400, "no message");

    assert!(words(&say(&page, 1, LOCATION)).contains("请先用文字"), "where, and not what");
    let noted = words(&say(&page, 2, &text("路口积水，很深")));
    assert!(noted.contains("10 分钟") && noted.contains("ten minutes"), "{noted}");
    assert_eq!(words(&say(&page, 2, &text("路口积水，很深"))), noted, "sent again");
    let answered = words(&say(&page, 3, LOCATION));
    let (number, secret) = told(&answered);
    assert!(answered.contains("下一步：") && answered.contains("Next: "), "{answered}");
    assert_eq!(told(&words(&say(&page, 3, LOCATION))), (number.clone(), secret.clone()), "sent again");
    city.kill();

    let (city, page) = start(folder.path(), mqtt);
    assert_eq!(told(&words(&say(&page, 3, LOCATION))), (number.clone(), secret.clone()), "sent again after a kill");
    let late = say(&page, 2, &text("路口积水，很深"));
    assert_eq!((late.status, &*late.body), (200, "success"), "what was taken in is not noted again");
    let appeal = page.json(&format!("/api/v1/appeals/{number}?secret={secret}"));
    assert_eq!((&appeal["channel"], &appeal["class"]), (&"wechat".into(), &"0402".into()));
    assert_eq!(appeal["text"], "路口积水，很深");
    // The platform's map is not the world's: half a kilometre apart.
    let (lon, lat) = (appeal["lon"].as_f64().unwrap(), appeal["lat"].as_f64().unwrap());
    assert!((116.426 - lon - 0.0062).abs() < 0.001 && (39.921 - lat - 0.0014).abs() < 0.001, "{lon} {lat}");

    words(&say(&page, 4, &text("垃圾成堆")));
    assert!(words(&say(&page, 5, &text("地点 没有的街道"))).contains("未找到"));
    let (second, _) = told(&words(&say(&page, 6, &text("地点 朝阳门街道"))));
    assert_ne!(second, number);
    assert!(words(&say(&page, 7, "<MsgType>image</MsgType><PicUrl>http://127.0.0.1/</PicUrl>")).contains("请先用文字"));
    let left = page.send("POST", &signed(now()), &[], &format!(
        "<xml><ToUserName>gh_city</ToUserName><FromUserName>{OPEN_ID}</FromUserName><MsgType>event</MsgType><Event>unsubscribe</Event></xml>"
    ));
    assert_eq!(left.body, "success");
    city.stop();

    assert_eq!(received(folder.path()), BTreeSet::from([number, second]), "two, and each once");
    let found = Command::new("grep").args(["-rlF", OPEN_ID]).arg(data_dir(folder.path())).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "who said it is in no file");
}

/// The numbers of the appeals on a city's log; each stands there by one id.
fn received(folder: &Path) -> BTreeSet<String> {
    let (mut ids, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    each_received(folder, |_, step| {
        ids.insert(step["appeal"].as_str().unwrap().to_owned());
        numbers.insert(step["number"].as_str().unwrap().to_owned());
    });
    assert_eq!(ids.len(), numbers.len());
    numbers
}
