//! Limits of a disk's throughput.

use crate::element;

element! {
    /// Limits of one disk, or of a group of them. A total excludes its read and write parts; 0 is
    /// no limit.
    pub struct IoTune {
        /// Bytes a second.
        leaf "total_bytes_sec" total_bytes_sec: Option<u64>,
        /// Bytes read a second.
        leaf "read_bytes_sec" read_bytes_sec: Option<u64>,
        /// Bytes written a second.
        leaf "write_bytes_sec" write_bytes_sec: Option<u64>,
        /// Requests a second.
        leaf "total_iops_sec" total_iops_sec: Option<u64>,
        /// Read requests a second.
        leaf "read_iops_sec" read_iops_sec: Option<u64>,
        /// Write requests a second.
        leaf "write_iops_sec" write_iops_sec: Option<u64>,
        /// Bytes a second in a burst.
        leaf "total_bytes_sec_max" total_bytes_sec_max: Option<u64>,
        /// Bytes read a second in a burst.
        leaf "read_bytes_sec_max" read_bytes_sec_max: Option<u64>,
        /// Bytes written a second in a burst.
        leaf "write_bytes_sec_max" write_bytes_sec_max: Option<u64>,
        /// Requests a second in a burst.
        leaf "total_iops_sec_max" total_iops_sec_max: Option<u64>,
        /// Read requests a second in a burst.
        leaf "read_iops_sec_max" read_iops_sec_max: Option<u64>,
        /// Write requests a second in a burst.
        leaf "write_iops_sec_max" write_iops_sec_max: Option<u64>,
        /// Bytes that count as one request.
        leaf "size_iops_sec" size_iops_sec: Option<u64>,
        /// Group that shares the limits.
        leaf "group_name" group_name: Option<String>,
        /// Seconds that a burst of bytes may last.
        leaf "total_bytes_sec_max_length" total_bytes_sec_max_length: Option<u64>,
        /// Seconds that a burst of bytes read may last.
        leaf "read_bytes_sec_max_length" read_bytes_sec_max_length: Option<u64>,
        /// Seconds that a burst of bytes written may last.
        leaf "write_bytes_sec_max_length" write_bytes_sec_max_length: Option<u64>,
        /// Seconds that a burst of requests may last.
        leaf "total_iops_sec_max_length" total_iops_sec_max_length: Option<u64>,
        /// Seconds that a burst of read requests may last.
        leaf "read_iops_sec_max_length" read_iops_sec_max_length: Option<u64>,
        /// Seconds that a burst of write requests may last.
        leaf "write_iops_sec_max_length" write_iops_sec_max_length: Option<u64>,
    }
}

element! {
    /// The throttle groups that a disk passes through, in this order.
    pub struct ThrottleFilters {
        /// One group each.
        children "throttlefilter" filters: Vec<ThrottleFilter>,
    }
}

element! {
    /// A throttle group that a disk passes through.
    pub struct ThrottleFilter {
        /// Its name.
        required "group" group: String,
    }
}
