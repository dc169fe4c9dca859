//! What is neither processor nor device.

use lodge_model::domain::launch_security::LaunchSecurityType;
use lodge_model::domain_capabilities::{FeatureSupport, SevSupport, SgxSupport, Support, SupportEnum};

use super::trial::{Attribute, Trial, enlightenments, words};

const LAUNCH_SECURITY: &[Attribute] = &[Attribute {
    name: "sectype",
    words: words!(LaunchSecurityType),
    elements: |word| format!("<launchSecurity type='{word}'><policy>0x0</policy></launchSecurity>"),
}];

/// A disk laid over an image that only the definition knows of.
const OVER_IMAGE: &str = "<devices><disk type='file'><driver name='qemu' type='qcow2'/><source file='/trial'/>\
    <backingStore type='file'><format type='raw'/><source file='/behind'/></backingStore><target dev='vda' bus='virtio'/></disk></devices>";

/// Elements of `<hyperv>`.
pub(super) const HYPERV: [&str; 17] = [
    "relaxed",
    "vapic",
    "spinlocks",
    "vpindex",
    "runtime",
    "synic",
    "stimer",
    "reset",
    "vendor_id",
    "frequencies",
    "reenlightenment",
    "tlbflush",
    "ipi",
    "evmcs",
    "avic",
    "emsr_bitmap",
    "xmm_input",
];

pub(super) fn support(trial: &Trial<'_>) -> FeatureSupport {
    let accepted = |elements: &str| Some(Support::new(trial.accepts(elements)));
    let backing = trial.arguments(OVER_IMAGE).is_some_and(|arguments| arguments.iter().any(|argument| argument.contains("\"/behind\"")));
    // A planner that passes them over cannot be asked: these are not there in this version.
    let absent = || Some(Support::new(false));
    FeatureSupport {
        gic: absent(),
        vmcoreinfo: accepted("<features><vmcoreinfo state='on'/></features>"),
        genid: accepted("<genid/>"),
        backing_store_input: Some(Support::new(backing)),
        backup: absent(),
        async_teardown: absent(),
        s390_pv: absent(),
        ps2: accepted("<features><ps2 state='off'/></features>"),
        sev: Some(SevSupport::default()),
        sgx: Some(SgxSupport::default()),
        hyperv: Some(hyperv(trial)),
        launch_security: Some(trial.support(LAUNCH_SECURITY)),
        ..FeatureSupport::default()
    }
}

/// What the driver turns into properties of the processor, and KVM can do here.
fn hyperv(trial: &Trial<'_>) -> Support {
    let values = "state='on' retries='8191' value='trial'";
    let arguments = |word: &str| trial.arguments(&format!("<features><hyperv><{word} {values}/></hyperv></features>"));
    let given = |word: &str| arguments(word).iter().flatten().any(|argument| enlightenments(argument).next().is_some());
    let words: Vec<String> = HYPERV.into_iter().filter(|word| given(word)).map(str::to_owned).collect();
    match words.is_empty() {
        true => Support::new(false),
        false => Support { enums: vec![SupportEnum::new("features", words)], ..Support::new(true) },
    }
}
