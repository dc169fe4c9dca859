//! All layers as one.
//!
//! Layers are applied in order and released in reverse; steps in a new process go by their stage, then by the order of
//! layers. Every layer is always there: one that is switched off plans nothing, and still takes back what it did before.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::host::process::{ChildStep, Process};
use crate::hypervisors::confine::{Confine, Confined, Label, Program, Stage, Subject};

/// The layers of an instance, in the order of their application.
#[derive(Default)]
pub struct Stack {
    layers: Vec<Arc<dyn Confine>>,
}

impl Stack {
    /// These layers.
    pub fn new(layers: Vec<Arc<dyn Confine>>) -> Self {
        Self { layers }
    }
}

#[async_trait]
impl Confine for Stack {
    fn name(&self) -> &'static str {
        "stack"
    }

    async fn plan(&self, guest: &Subject) -> Result<Option<Arc<dyn Confined>>> {
        let mut parts = Vec::new();
        for layer in &self.layers {
            if let Some(confined) = layer.plan(guest).await? {
                parts.push(Part { name: layer.name(), confined });
            }
        }
        Ok((!parts.is_empty()).then(|| Arc::new(StackConfined { parts }) as Arc<dyn Confined>))
    }

    fn recall(&self, record: Value) -> Result<Arc<dyn Confined>> {
        let Value::Object(mut records) = record else { return Err(not_ours("it is no object")) };
        let mut parts = Vec::new();
        for layer in &self.layers {
            if let Some(record) = records.remove(layer.name()) {
                parts.push(Part { name: layer.name(), confined: layer.recall(record)? });
            }
        }
        match records.keys().next() {
            Some(unknown) => Err(not_ours(&format!("no layer is called '{unknown}' here"))),
            None => Ok(Arc::new(StackConfined { parts })),
        }
    }
}

fn not_ours(why: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("what is written down of a guest's confinement cannot be used: {why}"))
}

/// A layer's part in the confinement of a guest.
struct Part {
    name: &'static str,
    confined: Arc<dyn Confined>,
}

struct StackConfined {
    parts: Vec<Part>,
}

#[async_trait]
impl Confined for StackConfined {
    fn record(&self) -> Value {
        Value::Object(self.parts.iter().map(|part| (part.name.to_owned(), part.confined.record())).collect::<Map<_, _>>())
    }

    async fn apply(&self) -> Result<()> {
        for part in &self.parts {
            part.confined.apply().await?;
        }
        Ok(())
    }

    fn steps(&self, program: Program) -> Result<Vec<(Stage, ChildStep)>> {
        let mut steps = Vec::new();
        for part in &self.parts {
            steps.extend(part.confined.steps(program)?);
        }
        steps.sort_by_key(|(stage, _)| *stage);
        Ok(steps)
    }

    async fn admit(&self, process: &Process) -> Result<()> {
        for part in &self.parts {
            part.confined.admit(process).await?;
        }
        Ok(())
    }

    fn socket_label(&self) -> Option<&str> {
        self.parts.iter().find_map(|part| part.confined.socket_label())
    }

    fn labels(&self) -> Vec<Label> {
        self.parts.iter().flat_map(|part| part.confined.labels()).collect()
    }

    async fn release(&self) -> Result<()> {
        let mut failures = Vec::new();
        for part in self.parts.iter().rev() {
            if let Err(error) = part.confined.release().await {
                failures.push(error.to_string());
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(Error::new(ErrorKind::HostFailed, failures.join("; "))) }
    }
}
