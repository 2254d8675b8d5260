//! One JSON record into one R4 resource, by its table. What has no place is carried in an extension and named.

use fhir::{NodeId, Ref, Tree};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use record::{Finding, FindingCode};

use super::table::{Bundle, Collection, Field, List, Rule, Shape, Step, Tables};
use super::values::{When, when};

/// Which set of tables made a resource, told in its findings. Rises whenever a table changes.
const TABLE: &str = "1";

/// A record as R4.
#[derive(Debug)]
pub(super) struct Made {
    pub tree: Tree,
    /// The record's own id, as the resource says it.
    pub id: Option<String>,
    pub findings: Vec<Finding>,
}

/// Makes the resource. `patient`: whom the bundle is about, for records that do not say it themselves.
pub(super) fn make(tables: &Tables, bundle: &Bundle, collection: &Collection, record: Ref<'_>, patient: Option<&str>) -> Made {
    let mut tree = Tree::object();
    let root = tree.root().id();
    tree.set_string(root, "resourceType", collection.kind.name());
    let detail = format!("from a record of the {} bundle by table {TABLE}", bundle.name);
    let findings = vec![Finding { code: FindingCode::Converted, path: collection.kind.name().to_owned(), detail }];
    let mut maker = Maker { tables, bundle, collection, tree, findings, id: None };
    maker.record(root, record);
    maker.subject(root, record, patient);
    maker.always(root, &collection.shape);
    Made { tree: maker.tree, id: maker.id, findings: maker.findings }
}

struct Maker<'a> {
    tables: &'a Tables,
    bundle: &'a Bundle,
    collection: &'a Collection,
    tree: Tree,
    findings: Vec<Finding>,
    id: Option<String>,
}

impl Maker<'_> {
    fn record(&mut self, root: NodeId, record: Ref<'_>) {
        let top = format!("{}.{}", self.bundle.name, self.collection.name);
        if let Some(id) = record.get(&self.collection.id).filter(|id| id.is_primitive()).and_then(Ref::value).filter(|id| !id.is_empty()) {
            let id = if self.collection.bare_id { id.into_owned() } else { format!("{}-{id}", self.bundle.name) };
            self.tree.set_string(root, "id", &id);
            self.id = Some(id);
        }
        for (name, value) in record.entries() {
            let own = name == self.collection.id && self.id.is_some();
            if own || (name == "PatientDetailId" && self.collection.subject.is_some() && value.is_primitive()) {
                continue;
            }
            let field = self.collection.shape.fields.get(name).or_else(|| self.tables.common.get(name));
            self.values(root, root, name, &format!("{top}.{name}"), value, field);
        }
    }

    /// Every value of a field. `object` is what is being filled, `root` what holds it all.
    fn values(&mut self, root: NodeId, object: NodeId, name: &str, at: &str, value: Ref<'_>, field: Option<&Field>) {
        match value.kind() {
            fhir::NodeKind::Null => {}
            fhir::NodeKind::Array => {
                for (place, item) in value.items().enumerate() {
                    self.values(root, object, name, &format!("{at}[{place}]"), item, field);
                }
            }
            _ if value.is_primitive() && value.value().is_some_and(|text| text.trim().is_empty()) => {
                self.note(FindingCode::Malformed, at, "there is nothing in it");
            }
            _ => match field {
                Some(field) if field.rule != Rule::Extension => {
                    if !self.value(root, object, at, value, field) {
                        self.beside(root, name, at, value, "not of the shape that the table expects: carried in an extension");
                    }
                }
                Some(_) => self.beside(root, name, at, value, "R4 has no place for it: carried in an extension"),
                None => self.beside(root, name, at, value, "the table does not know it: carried in an extension"),
            },
        }
    }

    /// False when it cannot be put where it belongs.
    fn value(&mut self, root: NodeId, object: NodeId, at: &str, value: Ref<'_>, field: &Field) -> bool {
        if let Rule::Each(name) = &field.rule {
            return self.each(root, object, at, value, &field.path, name);
        }
        let made = match &field.rule {
            Rule::Concept => self.concept(root, at, value),
            Rule::Identifier => self.identifier(root, at, value),
            _ if !value.is_primitive() => None,
            rule => self.primitive(at, &value.value().unwrap_or_default(), value, rule),
        };
        match made {
            Some(Put::Node(node)) => self.place(object, &field.path, node),
            Some(Put::Nothing) => true,
            None => false,
        }
    }

    fn primitive(&mut self, at: &str, text: &str, value: Ref<'_>, rule: &Rule) -> Option<Put> {
        Some(Put::Node(match rule {
            Rule::Bool => match text {
                "true" | "Y" | "Yes" => self.tree.new_bool(true),
                "false" | "N" | "No" => self.tree.new_bool(false),
                _ => return None,
            },
            Rule::Date | Rule::Day | Rule::Time => match when(text, rule) {
                When::Same => self.tree.new_string(text),
                When::Other(other, detail) => {
                    self.note(FindingCode::Converted, at, detail);
                    self.tree.new_string(&other)
                }
                When::Never => {
                    self.note(FindingCode::Malformed, at, "the system's word for no date");
                    return Some(Put::Nothing);
                }
                When::Unreadable => return None,
            },
            Rule::Link => self.link(text),
            Rule::Map(name) => self.mapped(at, text, name)?,
            Rule::Number => self.tree.new_number(text)?,
            Rule::Reference(kind, bundle) => {
                self.note(FindingCode::Converted, at, "a reference to that record");
                self.tree.new_string(&format!("{kind}/{bundle}-{text}"))
            }
            _ if value.is_string() => self.tree.new_string(text),
            _ => {
                self.note(FindingCode::Converted, at, "as text");
                self.tree.new_string(text)
            }
        }))
    }

    fn link(&mut self, id: &str) -> NodeId {
        let (link, other) = (self.tree.new_object(), self.tree.new_object());
        self.tree.set_string(other, "reference", &format!("Patient/{id}"));
        self.tree.set(link, "other", other);
        self.tree.set_string(link, "type", "seealso");
        link
    }

    /// A code, or a whole coding. What the map does not know becomes its `*`, and is carried beside.
    fn mapped(&mut self, at: &str, text: &str, name: &str) -> Option<NodeId> {
        let map = self.collection.maps.get(name)?;
        let same = |word: &str| word != "*" && word.chars().map(plain).eq(text.trim().chars().map(plain));
        let known = map.iter().find(|(word, _)| same(word)).map(|(_, became)| became);
        let became = known.or_else(|| map.get("*"))?;
        if known.is_none() {
            let root = self.tree.root().id();
            let field = at.rsplit('.').next().unwrap_or(at).split('[').next().unwrap_or(at).to_owned();
            self.extension(root, &field, text);
            self.note(FindingCode::UnknownCode, at, "a value that the table does not know: carried in an extension");
        } else if became != text {
            self.note(FindingCode::Converted, at, "to the code that R4 has for it");
        }
        Some(match became.split_once('|') {
            None => self.tree.new_string(became),
            Some((system, code)) => self.coding(system, code),
        })
    }

    fn coding(&mut self, system: &str, code: &str) -> NodeId {
        let coding = self.tree.new_object();
        self.tree.set_string(coding, "system", system);
        self.tree.set_string(coding, "code", code);
        coding
    }

    /// `{ "Rubric": …, "ReadCode": …, "SnomedCode": … }`, or words alone.
    fn concept(&mut self, root: NodeId, at: &str, value: Ref<'_>) -> Option<Put> {
        let concept = self.tree.new_object();
        if value.is_primitive() {
            self.tree.set_string(concept, "text", &value.value()?);
            return Some(Put::Node(concept));
        }
        let mut any = false;
        for (name, part) in value.entries() {
            let text = part.value().filter(|text| part.is_primitive() && !text.trim().is_empty());
            let at = format!("{at}.{name}");
            match (name, text, self.tables.systems.get(name)) {
                ("Rubric", Some(text), _) => {
                    self.tree.set_string(concept, "text", &text);
                    any = true;
                }
                (_, Some(text), Some(system)) => {
                    let own = value.text("LocalSystem").filter(|_| name == "LocalCode");
                    let coding = self.coding(own.as_deref().unwrap_or(system), &text);
                    let codings = self.tree.array_at(concept, "coding")?;
                    self.tree.push(codings, coding);
                    any = true;
                }
                ("LocalSystem", Some(_), _) if value.get("LocalCode").is_some() => {}
                _ => self.values(root, root, name, &at, part, None),
            }
        }
        Some(if any { Put::Node(concept) } else { Put::Nothing })
    }

    fn identifier(&mut self, root: NodeId, at: &str, value: Ref<'_>) -> Option<Put> {
        if !value.is_object() {
            return None;
        }
        let identifier = self.tree.new_object();
        for (name, part) in value.entries() {
            match (name, part.value().filter(|_| part.is_primitive())) {
                ("System", Some(text)) => {
                    self.tree.set_string(identifier, "system", &text);
                }
                ("Value", Some(text)) => {
                    self.tree.set_string(identifier, "value", &text);
                }
                _ => self.values(root, root, name, &format!("{at}.{name}"), part, None),
            }
        }
        let empty = self.tree.node(identifier).is_empty();
        Some(if empty { Put::Nothing } else { Put::Node(identifier) })
    }

    fn each(&mut self, root: NodeId, object: NodeId, at: &str, value: Ref<'_>, path: &[Step], name: &str) -> bool {
        let Some(shape) = self.collection.each.get(name).filter(|_| value.is_object()) else { return false };
        let made = self.tree.new_object();
        for (name, part) in value.entries() {
            self.values(root, made, name, &format!("{at}.{name}"), part, shape.fields.get(name));
        }
        if self.tree.node(made).is_empty() {
            return true; // What it held is named.
        }
        self.always(made, shape);
        self.place(object, path, made)
    }

    fn always(&mut self, object: NodeId, shape: &Shape) {
        for (path, value) in &shape.always {
            let Some((last, before)) = path.split_last() else { continue };
            let mut holder = Some(object);
            for step in before {
                let child = holder.and_then(|holder| self.tree.node(holder).get(&step.key));
                holder = match step.list {
                    List::None => child.map(Ref::id),
                    List::First | List::New => child.and_then(|list| list.items().next()).map(Ref::id),
                };
            }
            let Some(holder) = holder.filter(|holder| self.tree.node(*holder).get(&last.key).is_none()) else { continue };
            let Some(constant) = constant(&mut self.tree, value) else { continue };
            self.place(holder, std::slice::from_ref(last), constant);
        }
    }

    fn subject(&mut self, root: NodeId, record: Ref<'_>, patient: Option<&str>) {
        let Some(path) = &self.collection.subject else { return };
        let own = record.get("PatientDetailId").filter(|id| id.is_primitive()).and_then(Ref::value).filter(|id| !id.is_empty());
        let Some(id) = own.as_deref().or(patient) else { return };
        let reference = self.tree.new_object();
        self.tree.set_string(reference, "reference", &format!("Patient/{id}"));
        self.place(root, path, reference);
        if self.collection.kind == fhir::Kind::APPOINTMENT
            && let Some(taking_part) = self.tree.node(root).get("participant").into_iter().flat_map(Ref::items).last().map(Ref::id)
        {
            self.tree.set_string(taking_part, "status", "accepted");
        }
    }

    /// Puts a value at the end of a path, making what leads there. False where something else stands.
    fn place(&mut self, object: NodeId, path: &[Step], value: NodeId) -> bool {
        let Some((last, before)) = path.split_last() else { return false };
        let mut holder = object;
        for step in before {
            let next = match step.list {
                List::None => self.tree.object_at(holder, &step.key),
                List::First | List::New => self.item(holder, step),
            };
            match next {
                Some(next) if self.tree.node(next).is_object() => holder = next,
                _ => return false,
            }
        }
        if last.list == List::None {
            let free = self.tree.node(holder).get(&last.key).is_none();
            if free {
                self.tree.set(holder, &last.key, value);
            }
            return free;
        }
        let Some(list) = self.tree.array_at(holder, &last.key) else { return false };
        self.tree.push(list, value);
        true
    }

    fn item(&mut self, holder: NodeId, step: &Step) -> Option<NodeId> {
        let list = self.tree.array_at(holder, &step.key)?;
        let first = self.tree.node(list).items().next().map(Ref::id);
        match (step.list, first) {
            (List::First, Some(first)) => Some(first),
            _ => {
                let item = self.tree.new_object();
                self.tree.push(list, item);
                Some(item)
            }
        }
    }

    fn beside(&mut self, root: NodeId, name: &str, at: &str, value: Ref<'_>, detail: &str) {
        let text = if value.is_primitive() { value.value().unwrap_or_default().into_owned() } else { value.to_json() };
        self.extension(root, name, &text);
        self.note(FindingCode::Lossy, at, detail);
    }

    fn extension(&mut self, root: NodeId, name: &str, text: &str) {
        let Some(list) = self.tree.array_at(root, "extension") else { return };
        let extension = self.tree.new_object();
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        self.tree.set_string(extension, "url", &format!("urn:severn:carecentric:{}:{name}", self.bundle.name));
        self.tree.set_string(extension, "valueString", text);
        self.tree.push(list, extension);
    }

    fn note(&mut self, code: FindingCode, path: &str, detail: &str) {
        self.findings.push(Finding { code, path: path.to_owned(), detail: detail.to_owned() });
    }
}

/// `Entered-In-Error` is "Entered in error".
fn plain(letter: char) -> char {
    if matches!(letter, '-' | '_') { ' ' } else { letter.to_ascii_lowercase() }
}

/// What a value became.
enum Put {
    Node(NodeId),
    /// There is nothing to put, and that is said.
    Nothing,
}

fn constant(tree: &mut Tree, value: &toml::Value) -> Option<NodeId> {
    Some(match value {
        toml::Value::String(text) => tree.new_string(text),
        toml::Value::Boolean(value) => tree.new_bool(*value),
        toml::Value::Array(items) => {
            let list = tree.new_array();
            for item in items {
                let item = constant(tree, item)?;
                tree.push(list, item);
            }
            list
        }
        toml::Value::Table(members) => {
            let object = tree.new_object();
            for (key, member) in members {
                let member = constant(tree, member)?;
                tree.set(object, key, member);
            }
            object
        }
        _ => return None,
    })
}
