//! The bus contract of Lodge.
