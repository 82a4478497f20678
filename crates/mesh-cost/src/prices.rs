//! List prices of AWS.

use super::Prices;

/// Of the region Tokyo: list prices in US dollars, without free tiers, discounts and taxes.
///
/// Source: AWS price list (`offers/v1.0/aws/…/ap-northeast-1`), usage types named at each.
pub const TOKYO: Prices = Prices {
    region: "ap-northeast-1",
    date: "2026-09-23",
    // AppSync: the same in all regions but a few.
    million_requests: 4.00,
    million_messages: 2.00,
    million_connection_minutes: 0.08,
    // APN1-Request-ARM, APN1-Lambda-GB-Second-ARM
    million_invocations: 0.20,
    gigabyte_second: 0.000_013_333_4,
    // APN1-ReadRequestUnits, APN1-WriteRequestUnits
    million_read_units: 0.1425,
    million_write_units: 0.715,
    // APN1-DataTransfer-Out-Bytes, APN1-DataProcessing-Bytes
    gigabyte_sent: 0.114,
    gigabyte_logged: 0.76,
    // APN1-BoxUsage:t4g.small
    machine_hour: 0.0216,
};
