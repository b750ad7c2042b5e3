//! Kubernetes quantities.

use openshell_driver_kyma::core::admit::quantity::Quantity;

/// A quantity that is taken is written as it was read, and one that is whole is worth its number.
pub fn quantities(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Quantity::parse(text) {
        Ok(quantity) => {
            assert_eq!(quantity.as_str(), text);
            if let Some(whole) = quantity.whole().filter(|whole| *whole < 1_000_000_000_000_000_000) {
                let plain = Quantity::parse(&whole.to_string()).expect("a whole number is a quantity");
                assert!(plain == quantity, "{text} is {whole}");
                assert_eq!(quantity.is_zero(), whole == 0);
            }
        }
        Err(why) => assert!(!why.is_empty()),
    }
}
