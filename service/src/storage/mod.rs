pub mod backends;
mod claims;
pub mod formats;
mod image;
mod secrets;
mod tool;
mod volume;
