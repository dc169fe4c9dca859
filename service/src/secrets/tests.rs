//! Secrets from definition to value, over restarts.

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

use tempfile::TempDir;
use tokio::sync::mpsc;

use super::*;
use crate::events::Publication;
use crate::store::Layout;

const UUID: &str = "0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f";

struct Kept {
    root: TempDir,
    secrets: Arc<Secrets>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Kept {
    fn new() -> Self {
        Self::on(TempDir::new().unwrap())
    }

    fn on(root: TempDir) -> Self {
        let (publisher, publications) = Publisher::new();
        let store = Arc::new(Store::open(Layout::under(root.path())).unwrap());
        let secrets = Secrets::load(store, publisher).unwrap();
        let seen = Arc::<Mutex<Vec<String>>>::default();
        tokio::spawn(note(publications, seen.clone()));
        Self { root, secrets, seen }
    }

    /// The service again, on the same files.
    async fn restart(self) -> Self {
        let Self { root, secrets, .. } = self;
        drop(secrets);
        Self::on(root)
    }

    async fn define(&self, xml: &str) -> Result<Arc<SecretView>> {
        self.secrets.define(grant(Action::SecretDefine), Draft::read(xml).unwrap(), false).await
    }

    async fn set(&self, uuid: Uuid, value: &str) -> Result<()> {
        self.secrets.set_value(grant(Action::SecretDefine), uuid, Zeroizing::new(value.into())).await
    }

    async fn get(&self, uuid: Uuid) -> Result<String> {
        let value = self.secrets.value(grant(Action::SecretRead), uuid).await?;
        Ok(String::from_utf8(value.to_vec()).unwrap())
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

async fn note(mut publications: mpsc::Receiver<Publication>, seen: Arc<Mutex<Vec<String>>>) {
    while let Some(Publication { event, then }) = publications.recv().await {
        match event {
            Event::Secret(Change::Added(view)) => seen.lock().unwrap().push(format!("added {}", view.usage_id)),
            Event::Secret(Change::Changed { new, .. }) => seen.lock().unwrap().push(format!("changed {}", new.has_value)),
            Event::Secret(Change::Removed(_)) => seen.lock().unwrap().push("removed".to_owned()),
            _ => {}
        }
        then.into_iter().for_each(|then| then());
    }
}

fn grant(action: Action) -> Grant {
    Grant::for_the_service(action)
}

fn of_volume(attributes: &str, path: &str) -> String {
    format!("<secret {attributes}><usage type='volume'><volume>{path}</volume></usage></secret>")
}

#[tokio::test]
async fn a_value_outlives_the_service_and_is_nowhere_in_clear() {
    let kept = Kept::new();
    let view = kept.define(&of_volume("", "/srv/a")).await.unwrap();
    assert!(!view.has_value);
    assert_eq!(kept.get(view.uuid).await.unwrap_err().kind(), ErrorKind::InvalidState);
    kept.set(view.uuid, "open sesame").await.unwrap();
    assert_eq!(kept.seen(), ["added /srv/a", "changed true"]);

    let kept = kept.restart().await;
    assert!(kept.secrets.view(view.uuid).unwrap().has_value);
    assert_eq!(kept.get(view.uuid).await.unwrap(), "open sesame");
    for file in walk(kept.root.path()) {
        use std::os::unix::fs::PermissionsExt as _;
        let content = std::fs::read(&file).unwrap();
        assert!(!content.windows(11).any(|part| part == b"open sesame"), "{}", file.display());
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o77, 0, "{}", file.display());
    }

    kept.secrets.undefine(grant(Action::SecretDefine), view.uuid).await.unwrap();
    assert_eq!(kept.seen(), ["removed"]);
    assert_eq!(kept.secrets.reveal(view.uuid).await.unwrap_err().kind(), ErrorKind::NotFound);
    let left: Vec<_> = walk(kept.root.path()).into_iter().filter(|file| file.to_string_lossy().contains(&view.uuid.to_string())).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn an_ephemeral_secret_is_on_no_disk() {
    let kept = Kept::new();
    let before = walk(kept.root.path()).len();
    let view = kept.define(&of_volume("ephemeral='yes'", "/srv/a")).await.unwrap();
    kept.set(view.uuid, "open sesame").await.unwrap();
    assert_eq!(kept.get(view.uuid).await.unwrap(), "open sesame");
    assert_eq!(walk(kept.root.path()).len(), before);
    let kept = kept.restart().await;
    assert!(kept.secrets.views().is_empty());
}

#[tokio::test]
async fn a_private_value_is_for_the_service_alone() {
    let kept = Kept::new();
    let view = kept.define(&of_volume("private='yes'", "/srv/a")).await.unwrap();
    kept.set(view.uuid, "open sesame").await.unwrap();
    assert_eq!(kept.get(view.uuid).await.unwrap_err().kind(), ErrorKind::NotAuthorized);
    assert_eq!(kept.secrets.reveal(view.uuid).await.unwrap().as_slice(), b"open sesame");
    let shown = kept.define(&of_volume("", "/srv/a")).await;
    assert_eq!(shown.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn a_use_has_one_secret_and_a_secret_one_use() {
    let kept = Kept::new();
    let first = kept.define(&of_volume("", "/srv/a")).await.unwrap();
    let again = kept.define(&of_volume("", "/srv/a").replace("</secret>", "<description>mail</description></secret>")).await.unwrap();
    assert_eq!((again.uuid, again.description.as_str()), (first.uuid, "mail"));
    let with_uuid = |uuid: &str, path: &str| of_volume("", path).replace("</secret>", &format!("<uuid>{uuid}</uuid></secret>"));
    let refused = kept.define(&with_uuid(UUID, "/srv/a")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists, "{refused}");
    let refused = kept.define(&with_uuid(&first.uuid.to_string(), "/srv/b")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument, "{refused}");
    let refused = kept.secrets.define(grant(Action::SecretDefine), Draft::read(&of_volume("", "/srv/a")).unwrap(), true).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::AlreadyExists);
    for name in [first.uuid.to_string(), first.uuid.simple().to_string(), "volume:/srv/a".to_owned()] {
        assert_eq!(kept.secrets.find(&name).unwrap().uuid, first.uuid, "{name}");
    }
    assert_eq!(kept.secrets.find("volume:/srv/b").unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn the_wrong_grant_and_the_wrong_size_change_nothing() {
    let kept = Kept::new();
    let view = kept.define(&of_volume("", "/srv/a")).await.unwrap();
    let value = || Zeroizing::new(vec![1]);
    for action in [Action::SecretView, Action::SecretRead, Action::DomainDefine] {
        assert!(kept.secrets.set_value(grant(action), view.uuid, value()).await.is_err(), "{action}");
        assert!(kept.secrets.undefine(grant(action), view.uuid).await.is_err(), "{action}");
    }
    for action in [Action::SecretView, Action::SecretDefine] {
        assert!(kept.secrets.value(grant(action), view.uuid).await.is_err(), "{action}");
    }
    for size in [0, MAX_VALUE_BYTES + 1] {
        let refused = kept.secrets.set_value(grant(Action::SecretDefine), view.uuid, Zeroizing::new(vec![1; size])).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidArgument, "{size}");
    }
    kept.secrets.set_value(grant(Action::SecretDefine), view.uuid, Zeroizing::new(vec![1; MAX_VALUE_BYTES])).await.unwrap();
    assert_eq!(kept.secrets.reveal(view.uuid).await.unwrap().len(), MAX_VALUE_BYTES);
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
