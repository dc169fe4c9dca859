//! `lodgectl`: the command-line client of Lodge.
//!
//! It is a client like any other: it knows the service only through the contract, the crate `dbus-interfaces`.

mod ctl;

fn main() -> std::process::ExitCode {
    ctl::main()
}
