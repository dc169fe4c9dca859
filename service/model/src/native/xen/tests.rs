//! Tests of the three formats: fixtures, tables of single settings, errors with their places,
//! made-up configurations, and hostile texts.

mod fixtures;
