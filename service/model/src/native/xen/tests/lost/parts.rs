//! The parts of the devices in files of xl and xm, and of other lists.

use super::Group;
use crate::native::xen::Dialect;

const BOTH: &[Dialect] = &[Dialect::Xl, Dialect::Xm];
const XL: &[Dialect] = &[Dialect::Xl];
const XM: &[Dialect] = &[Dialect::Xm];

pub(super) const GROUPS: [Group; 22] = [
    // xl-disk-configuration(5): what stands before the target.
    Group {
        own: XL,
        template: "disk = ['vdev=xvda,{},target=/i']",
        between: "=",
        rows: "
            format: raw | qcow | qcow2 | vhd | qed ! nonsense
            access: ro | rw ! nonsense
            devtype: cdrom | disk ! nonsense
            backend: a | b ! nonsense
            backendtype: tap | qdisk | standalone ! nonsense
            backendtype: phy | standalone ! nonsense
            script: block-a | a | /opt/block-a | block-phy | phy ! nonsense
            script: block-drbd,backendtype=qdisk | block-drbd ! nonsense
            specification: xen | virtio ! nonsense
            cdrom
            direct-io-safe
            discard
            no-discard
            untrusted
            trusted
            colo
            colo-host: 10.0.0.1 | 10.0.0.2 ! nonsense
            colo-port: 1 | 2 ! nonsense
            colo-export: a | b ! nonsense
            active-disk: /a | /b ! nonsense
            hidden-disk: /a | /b ! nonsense
            conduit: a | b ! nonsense
            never_heard_of: a | b ! nonsense
        ",
    },
    Group {
        own: XL,
        template: "disk = ['/i,{},vdev=xvda']",
        between: "=",
        rows: "
            access: ro ! nonsense
        ",
    },
    Group {
        own: XL,
        template: "disk = ['/i,raw,xvda,rw,{}']",
        between: "=",
        rows: "
            discard
            no-discard
            untrusted
            cdrom
            devtype: cdrom | disk ! nonsense
        ",
    },
    // What old files put before the path and behind the name.
    Group {
        own: XL,
        template: "disk = ['{},xvda,w']",
        between: ":",
        rows: "
            raw: /i | /j ! nonsense:/i
            qcow2: /i | /j
            vhd: /i | /j
            iscsi: a | b
            nbd: a | b
            drbd: a | b
            tap: qcow2:/i | aio:/i | qcow:/i
            tap2: tapdisk:aio:/i | vhd:/i
            file: /i | /j
            phy: a | /dev/b
        ",
    },
    Group {
        own: XM,
        template: "disk = ['{},xvda,w']",
        between: ":",
        rows: "
            tap: aio:/i | qcow:/i | vmdk:/i | tapdisk:aio:/j
            tap2: aio:/i | vhd:/i
            file: /i | /j
            phy: a | /dev/b
            nbd: a | b
            drbd: a | b
        ",
    },
    Group {
        own: BOTH,
        template: "disk = ['file:/i,{}']",
        between: ",",
        rows: "
            hda: w | r ! nonsense
            ioemu:hdb: w | r
            sda1: w | r
            xvdz: w | r
        ",
    },
    Group {
        own: BOTH,
        template: "disk = ['file:/i,hda:{}']",
        between: ",",
        rows: "
            cdrom: r | w ! nonsense
            disk: r | w ! nonsense
        ",
    },
    Group {
        own: XM,
        template: "disk = ['file:/i,{}']",
        between: ",",
        rows: "
            xvda: w! | w | w,storage | w,other
        ",
    },
    // xl-network-configuration(5).
    Group {
        own: BOTH,
        template: "vif = ['bridge=a,{}']",
        between: "=",
        rows: "
            mac: 00:16:3e:00:00:01 | 00:16:3e:00:00:02 ! nonsense
            type: vif | ioemu ! nonsense
            type: vif,model=e1000 | vif ! nonsense
            model: e1000 | rtl8139 ! nonsense
            vifname: a | b ! nonsense
            script: vif-bridge | vif-nat | vif-route | vif-openvswitch | /etc/xen/scripts/vif-bridge ! nonsense
            ip: 10.0.0.1 | 10.0.0.2 | 10.0.0.1/8 | 10.0.0.1 10.0.0.2 ! nonsense
            backend: a | b ! nonsense
            rate: 1024KB/s | 9Mb/s | 1GB/s | 1024KB/s@20ms | 1000B/s | 1025B/s | 1b/s ! nonsense
            gatewaydev: eth0 | eth1 ! nonsense
            netdev: eth0 | eth1 ! nonsense
            devid: 3 | 4 ! nonsense
            uuid: 8f07fe28-753f-2729-d76d-bdbd892f949a | 8f07fe28-753f-2729-d76d-bdbd892f949b ! nonsense
            policy: a | b ! nonsense
            label: a | b ! nonsense
            security: a | b ! nonsense
            trusted: 0 | 1 ! nonsense
            untrusted
            mac
            vifname
            rate
            nonsense
        ",
    },
    Group {
        own: XL,
        template: "vif = ['{}']",
        between: "=",
        rows: "
            mtu: 1400 | 9000 ! nonsense
            bridge: a | b | xenbr0 ! nonsense
            bridge: o.7,script=vif-openvswitch | o.8,script=vif-openvswitch | o:7:8,script=vif-openvswitch | o.7:8,script=vif-openvswitch ! o.nonsense,script=vif-openvswitch
            script: vif-nat | vif-route ! nonsense
        ",
    },
    // xl.cfg(5), VFB_SPEC_STRING.
    Group {
        own: BOTH,
        template: "vfb = ['{}']",
        between: "=",
        rows: "
            vnc: 1,vncdisplay=1 | 1,vncdisplay=2 | 1 | 0 ! nonsense
            vnclisten: 127.0.0.1 | 0.0.0.0 | 127.0.0.1:3 | ::1 | 127.0.0.1:4,vncdisplay=5 ! nonsense
            vncdisplay: 1 | 2 ! 60000
            vncunused: 1 | 0 | 1,vncdisplay=3 ! nonsense
            vncpasswd: a | b | a,b ! a,nonsense
            keymap: de | fr ! nonsense
            sdl: 1 ! nonsense
            sdl: 1,vnc=1 | 1,vnc=0 ! nonsense
            sdl: 1,vnc=0,display=:0 | 1,vnc=0,display=:1 | 1,vnc=0,xauthority=/x | 1,vnc=0,opengl=1 | 1,vnc=0,opengl=0 ! 1,vnc=0,opengl=nonsense
            sdl: 0,vnc=0 | 0 ! nonsense
            display: :0 | :1 ! nonsense
            xauthority: /a | /b ! nonsense
            opengl: 1 | 0 ! nonsense
            type: vnc | sdl ! nonsense
            videoram: 4 | 8 ! nonsense
            vncviewer: 1 | 0 ! nonsense
            never_heard_of: 1 | 0 ! nonsense
            keymap
        ",
    },
    // xl-pci-configuration(5).
    Group {
        own: XL,
        template: "pci = ['{}']",
        between: "=",
        rows: "
            bdf: 03:00.0 | 03:00.1 | 0001:03:00.0 | 03:00.0@05 | 03:00.0,vslot=6 | 03:00.* ! nonsense
            name: a | b ! nonsense
        ",
    },
    Group {
        own: XL,
        template: "pci = ['03:00.0,{}']",
        between: "=",
        rows: "
            vslot: 5 | 1f ! nonsense
            permissive: 0 | 1 ! nonsense
            msitranslate: 0 | 1 ! nonsense
            seize: 0 | 1 ! nonsense
            power_mgmt: 0 | 1 ! nonsense
            rdm_policy: strict | relaxed ! nonsense
            permissive
            nonsense
        ",
    },
    // xl.cfg(5): channels, and USBCTRL_SPEC_STRING.
    Group {
        own: XL,
        template: "channel = ['name=n,{}']",
        between: "=",
        rows: "
            connection: pty | socket | socket,path=/s ! nonsense
            path: /s | /t ! nonsense
            backend: a | b ! nonsense
            never_heard_of: a | b ! nonsense
        ",
    },
    // VNODE_SPEC, of which all parts are needed.
    Group {
        own: XL,
        template: "vnuma = [['size=64', '{}']]",
        between: "=",
        rows: "
            pnode: 0 | 1 ! nonsense
            vcpus: 0 | 0-3 | 0,2 ! nonsense
            vdistances: 10 | 11 ! 10,20
            size: 128 | 256 ! nonsense
            never_heard_of: a | b ! nonsense
            nonsense
        ",
    },
    // What has no element at all is told as a whole: vtpm, p9, pvcalls, rdm, vdispl, vsnd, vkb.
    Group {
        own: XL,
        template: "vtpm = ['{}']",
        between: "=",
        rows: "
            backend: a | b ! nonsense
            uuid: 8f07fe28-753f-2729-d76d-bdbd892f949a | b ! nonsense
        ",
    },
    Group {
        own: XL,
        template: "p9 = ['{}']",
        between: "=",
        rows: "
            tag: a | b ! nonsense
            security_model: none | b ! nonsense
            path: /a | /b ! nonsense
            backend: a | b ! nonsense
        ",
    },
    Group {
        own: XL,
        template: "rdm = '{}'",
        between: "=",
        rows: "
            strategy: host | b ! nonsense
            policy: strict | relaxed ! nonsense
        ",
    },
    Group {
        own: XL,
        template: "vdispl = ['{}']",
        between: "=",
        rows: "
            backend: a | b ! nonsense
            be-alloc: 0 | 1 ! nonsense
            connectors: id0:1920x1080 | id1:800x600 ! nonsense
        ",
    },
    Group {
        own: XL,
        template: "vsnd = [['CARD, {}', 'PCM, name=a', 'STREAM, id=0, type=p']]",
        between: "=",
        rows: "
            backend: a | b ! nonsense
            short-name: a | b ! nonsense
            long-name: a | b ! nonsense
            sample-rates: 8000 | 8000;44100 ! nonsense
            sample-formats: s8 | u8 ! nonsense
            channels-min: 1 | 2 ! nonsense
            channels-max: 1 | 2 ! nonsense
            buffer-size: 1024 | 2048 ! nonsense
            name: a | b ! nonsense
            unique-id: a | b ! nonsense
            type: p | c ! nonsense
        ",
    },
    Group {
        own: XL,
        template: "vkb = ['{}']",
        between: "=",
        rows: "
            unique-id: a | b ! nonsense
            backend: a | b ! nonsense
            backend-type: qemu | linux ! nonsense
            feature-disable-keyboard: 0 | 1 ! nonsense
            feature-disable-pointer: 0 | 1 ! nonsense
            feature-abs-pointer: 0 | 1 ! nonsense
            feature-raw-pointer: 0 | 1 ! nonsense
            feature-multi-touch: 0 | 1 ! nonsense
            multi-touch-width: 1 | 2 ! nonsense
            multi-touch-height: 1 | 2 ! nonsense
            multi-touch-num-contacts: 1 | 2 ! nonsense
            width: 1 | 2 ! nonsense
            height: 1 | 2 ! nonsense
        ",
    },
    // USBDEV_SPEC_STRING.
    Group {
        own: XL,
        template: "usbdev = ['hostbus=1,hostaddr=3,{}']",
        between: "=",
        rows: "
            type: hostdev ! nonsense
            controller: 0 | 1 ! nonsense
            controller: 0,port=1 | 0,port=2 ! nonsense
            port: 1 | 2 ! nonsense
            never_heard_of: a | b ! nonsense
        ",
    },
];

/// Controllers of USB, of which each guest has other ones.
pub(super) const CONTROLLERS: Group = Group {
    own: XL,
    template: "usbctrl = ['{}']",
    between: "=",
    rows: "
        type: pv | qusb | devicemodel ! nonsense
        type: pv | auto,version=1 ! nonsense
        version: 1 | 2 ! 70
        type: devicemodel,version=1 | devicemodel,version=2 | devicemodel,version=3 ! devicemodel,version=nonsense
        ports: 2 | 31 ! nonsense
        never_heard_of: a | b ! nonsense
    ",
};
