//! Documents that clients send: parsed, validated against the schema, and within the limits.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use apollo_compiler::executable::{Operation, Selection, SelectionSet};
use apollo_compiler::introspection::check_max_depth;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Node};
use apollo_parser::{Lexer, TokenKind};

use super::error::{Fault, GraphqlError, Location};
use super::plan::Plan;
use super::schema::Schema;

/// The most tokens of a document, not counting white space, commas and comments.
pub const MAX_TOKENS: usize = 60_000;
/// The deepest nesting of fields; a root field has depth one.
pub const MAX_DEPTH: usize = 20;
/// The most root fields of an operation, aliases counted.
pub const MAX_ROOT_FIELDS: usize = 50;
/// The most aliases below the root fields: each may show the same large value once more.
pub const MAX_ALIASES: usize = 50;
/// The most `__schema` and `__type` fields of an operation, and the most aliases below them.
const MAX_SCHEMA_FIELDS: usize = 2;
const MAX_SCHEMA_ALIASES: usize = 10;
/// The memory of a document beside its tokens, and of each token.
const DOCUMENT_BYTES: usize = 4 << 10;
const TOKEN_BYTES: usize = 288;
/// The most errors that are answered to one document.
const MAX_ERRORS: usize = 10;

/// A document that may be executed, as often as it comes.
pub struct Document {
    /// The document itself.
    pub executable: Valid<ExecutableDocument>,
    /// Aliases below root fields, of the operation that has the most.
    deep_aliases: usize,
    /// The number of its tokens.
    tokens: usize,
    /// The plan of its only operation, where no variable shapes it.
    plan: OnceLock<Arc<Plan>>,
}

impl Document {
    /// Parses and validates a text.
    ///
    /// # Errors
    ///
    /// What is wrong with the document, or the limit that it passes.
    pub fn parse(schema: &Schema, text: &str) -> Result<Self, Vec<GraphqlError>> {
        Self::parse_counted(schema, text, Tokens::count(text)?)
    }

    /// Parses and validates a text whose tokens were counted.
    ///
    /// # Errors
    ///
    /// What is wrong with the document, or the limit that it passes.
    pub fn parse_counted(schema: &Schema, text: &str, tokens: Tokens) -> Result<Self, Vec<GraphqlError>> {
        let mut parser = Parser::new();
        let ast = parser
            .parse_ast(text, "request")
            .map_err(|invalid| errors(Fault::InvalidSyntax, &invalid.errors))?;
        let executable = ast
            .to_executable_validate(&schema.types)
            .map_err(|invalid| errors(Fault::InvalidDocument, &invalid.errors))?;
        let mut deep_aliases = 0;
        for operation in executable.operations.iter() {
            deep_aliases = deep_aliases.max(check_shape(&executable, operation)?);
        }
        Ok(Self { executable, deep_aliases, tokens: tokens.counted, plan: OnceLock::new() })
    }

    /// What it costs in memory beside its text, about: with its plan, a token becomes so many bytes at most.
    pub fn cost(&self) -> usize {
        DOCUMENT_BYTES + self.tokens * TOKEN_BYTES
    }

    /// The operation to execute.
    ///
    /// # Errors
    ///
    /// There is no operation of that name, or none is named and there are several.
    pub fn operation(&self, name: Option<&str>) -> Result<Node<Operation>, GraphqlError> {
        // An empty name is what some clients send for none.
        let name = name.filter(|name| !name.is_empty());
        let operation = self.executable.operations.get(name);
        operation.cloned().map_err(|_| {
            let detail = "operationName must name an operation of the document if it has several";
            GraphqlError::validation(Fault::UnknownOperation, detail, vec![])
        })
    }

    /// The place for a plan that serves every request with this document; none if its operation
    /// or its shape depend on the request.
    pub fn kept_plan(&self) -> Option<&OnceLock<Arc<Plan>>> {
        (self.executable.operations.len() == 1 && !self.has_conditions()).then_some(&self.plan)
    }

    /// Refuses questions about the schema whose answer would be many times the schema: each root field
    /// and each alias may show all of it once more.
    ///
    /// # Errors
    ///
    /// If the operation asks `__schema` or `__type` more than `MAX_SCHEMA_FIELDS` times, has more than
    /// `MAX_SCHEMA_ALIASES` below, or goes round in circles of the schema.
    pub fn check_introspection(&self, operation: &Operation, fields: usize) -> Result<(), GraphqlError> {
        let too_many = fields > MAX_SCHEMA_FIELDS || self.deep_aliases > MAX_SCHEMA_ALIASES;
        if too_many || check_max_depth(&self.executable, operation).is_err() {
            let detail = format!(
                "a request may ask for the schema {MAX_SCHEMA_FIELDS} times, with {MAX_SCHEMA_ALIASES} aliases and without circles"
            );
            return Err(GraphqlError::validation(Fault::TooDeep, &detail, vec![]));
        }
        Ok(())
    }

    fn has_conditions(&self) -> bool {
        fn conditional(selections: &SelectionSet) -> bool {
            selections.selections.iter().any(|selection| {
                let directives = selection.directives();
                directives.get("skip").is_some()
                    || directives.get("include").is_some()
                    || match selection {
                        Selection::Field(field) => conditional(&field.selection_set),
                        Selection::InlineFragment(fragment) => conditional(&fragment.selection_set),
                        Selection::FragmentSpread(_) => false,
                    }
            })
        }
        let fragments = self.executable.fragments.values().map(|fragment| &fragment.selection_set);
        let operations = self.executable.operations.iter().map(|operation| &operation.selection_set);
        fragments.chain(operations).any(conditional)
    }
}

/// The tokens of a text.
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    /// White space, commas and comments, too: each is work for the parser.
    pub all: usize,
    /// Those that the limit counts.
    counted: usize,
}

impl Tokens {
    /// Counts the tokens of a text.
    ///
    /// # Errors
    ///
    /// There are too many.
    pub fn count(text: &str) -> Result<Self, Vec<GraphqlError>> {
        let mut tokens = Self { all: 0, counted: 0 };
        for token in Lexer::new(text).filter_map(Result::ok) {
            tokens.all += 1;
            tokens.counted += usize::from(!is_ignored(token.kind()));
            if tokens.counted > MAX_TOKENS {
                let detail = format!("a document may have at most {MAX_TOKENS} tokens");
                return Err(vec![GraphqlError::validation(Fault::TooManyTokens, &detail, vec![])]);
            }
        }
        Ok(tokens)
    }
}

fn is_ignored(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Whitespace | TokenKind::Comment | TokenKind::Comma | TokenKind::Eof)
}

/// The size of a selection set with its fragments spread.
#[derive(Clone, Copy, Default)]
struct Shape {
    depth: usize,
    /// Aliases in it and below.
    aliases: usize,
    /// Aliases below it alone.
    deep_aliases: usize,
}

/// Refuses an operation that is too large; says how many aliases there are below its root fields.
fn check_shape(document: &ExecutableDocument, operation: &Operation) -> Result<usize, Vec<GraphqlError>> {
    let shape = shape_of(document, &operation.selection_set, &mut HashMap::new());
    let mut keys = HashSet::new();
    add_keys(document, &operation.selection_set, &mut keys, &mut HashSet::new());
    let (fault, detail) = if shape.depth > MAX_DEPTH {
        (Fault::TooDeep, format!("fields may be nested at most {MAX_DEPTH} deep"))
    } else if keys.len() > MAX_ROOT_FIELDS {
        (Fault::TooManyFields, format!("an operation may have at most {MAX_ROOT_FIELDS} root fields"))
    } else if shape.deep_aliases > MAX_ALIASES {
        (Fault::TooManyAliases, format!("there may be at most {MAX_ALIASES} aliases below root fields"))
    } else {
        return Ok(shape.deep_aliases);
    };
    Err(vec![GraphqlError::validation(fault, &detail, vec![])])
}

/// The keys of the answer that a selection set makes.
fn add_keys<'a>(
    document: &'a ExecutableDocument,
    selections: &'a SelectionSet,
    keys: &mut HashSet<&'a str>,
    spread: &mut HashSet<&'a str>,
) {
    for selection in &selections.selections {
        match selection {
            Selection::Field(field) => {
                keys.insert(field.response_key());
            }
            Selection::InlineFragment(fragment) => add_keys(document, &fragment.selection_set, keys, spread),
            Selection::FragmentSpread(named) => {
                let fragment = document.fragments.get(&named.fragment_name);
                if let Some(fragment) = fragment.filter(|fragment| spread.insert(&fragment.name)) {
                    add_keys(document, &fragment.selection_set, keys, spread);
                }
            }
        }
    }
}

/// Each fragment is measured once, however often it is spread, so fragments that double each other
/// cost nothing. Validation has refused cycles.
fn shape_of<'a>(
    document: &'a ExecutableDocument,
    selections: &'a SelectionSet,
    known: &mut HashMap<&'a str, Shape>,
) -> Shape {
    let mut shape = Shape::default();
    for selection in &selections.selections {
        let part = match selection {
            Selection::Field(field) => {
                let below = shape_of(document, &field.selection_set, known);
                let own = usize::from(field.alias.as_ref().is_some_and(|alias| *alias != field.name));
                Shape {
                    depth: below.depth.saturating_add(1),
                    aliases: below.aliases.saturating_add(own),
                    deep_aliases: below.aliases,
                }
            }
            Selection::InlineFragment(fragment) => shape_of(document, &fragment.selection_set, known),
            Selection::FragmentSpread(spread) => {
                let name = spread.fragment_name.as_str();
                if !known.contains_key(name)
                    && let Some(fragment) = document.fragments.get(name)
                {
                    let measured = shape_of(document, &fragment.selection_set, known);
                    known.insert(name, measured);
                }
                known.get(name).copied().unwrap_or_default()
            }
        };
        shape = Shape {
            depth: shape.depth.max(part.depth),
            aliases: shape.aliases.saturating_add(part.aliases),
            deep_aliases: shape.deep_aliases.saturating_add(part.deep_aliases),
        };
    }
    shape
}

fn errors(fault: Fault, diagnostics: &DiagnosticList) -> Vec<GraphqlError> {
    let error = |diagnostic: apollo_compiler::diagnostic::Diagnostic<'_, _>| {
        let json = diagnostic.to_json();
        let locations = json.locations.iter().map(|at| Location { line: at.line, column: at.column });
        GraphqlError::validation(fault, &json.message, locations.collect())
    };
    let mut errors: Vec<_> = diagnostics.iter().take(MAX_ERRORS).map(error).collect();
    // An empty selection often comes of a field that does not exist: that is what has to be mended.
    errors.sort_by_key(|error| error.message.contains("subselection"));
    errors
}
