//! Tests of the three formats: fixtures, tables of single settings, errors with their places, what is
//! lost, made-up configurations, and hostile texts.

mod errors;
mod fixtures;
mod generated;
mod hostile;
mod losses;
mod lost;
mod tables;
