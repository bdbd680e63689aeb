; ModuleID = "likewise"
target triple = "unknown-unknown-unknown"
target datalayout = ""

define i64 @"search"(ptr noalias %".1")
{
entry:
  %".4" = getelementptr i64, ptr %".1", i64 3
  %".5" = load i64, ptr %".4"
  %".6" = getelementptr i64, ptr %".1", i64 4
  %".7" = load i64, ptr %".6"
  %".11" = alloca <4 x float>, i32 8, align 64
  %".12" = alloca <4 x float>, i32 2, align 64
  %".13" = getelementptr i64, ptr %".1", i64 7
  %".14" = load i64, ptr %".13"
  %".15" = getelementptr i64, ptr %".1", i64 1
  %".16" = load i64, ptr %".15"
  %".19" = getelementptr i64, ptr %".1", i64 2
  %".20" = load i64, ptr %".19"
  %".21" = inttoptr i64 %".20" to ptr
  %".29" = getelementptr i64, ptr %".1", i64 0
  %".30" = load i64, ptr %".29"
  %".31" = inttoptr i64 %".30" to ptr
  %".35" = alloca <4 x float>, i32 1
  %".37" = alloca <4 x float>, i32 1
  %".39" = alloca <4 x float>, i32 1
  %".41" = alloca <4 x float>, i32 1
  %".43" = alloca <4 x float>, i32 1
  %".45" = alloca <4 x float>, i32 1
  %".47" = alloca <4 x float>, i32 1
  %".49" = alloca <4 x float>, i32 1
  %".151" = getelementptr i64, ptr %".1", i64 16
  %".152" = load i64, ptr %".151"
  %".153" = inttoptr i64 %".152" to ptr
  %".230" = alloca i64, i32 1
  %".282" = alloca i64, i32 1
  %".285" = getelementptr i64, ptr %".1", i64 5
  %".286" = load i64, ptr %".285"
  %".288" = getelementptr i64, ptr %".1", i64 30
  %".289" = load i64, ptr %".288"
  %".293" = getelementptr i64, ptr %".1", i64 28
  %".294" = load i64, ptr %".293"
  %".295" = inttoptr i64 %".294" to ptr
  %".298" = getelementptr i64, ptr %".1", i64 21
  %".299" = load i64, ptr %".298"
  %".302" = getelementptr i64, ptr %".1", i64 27
  %".303" = load i64, ptr %".302"
  %".304" = inttoptr i64 %".303" to ptr
  %".314" = getelementptr i64, ptr %".1", i64 9
  %".315" = load i64, ptr %".314"
  %".316" = getelementptr i64, ptr %".1", i64 10
  %".317" = load i64, ptr %".316"
  %".318" = getelementptr i64, ptr %".1", i64 11
  %".319" = load i64, ptr %".318"
  %".320" = inttoptr i64 %".319" to ptr
  %".323" = getelementptr i64, ptr %".1", i64 13
  %".324" = load i64, ptr %".323"
  %".325" = inttoptr i64 %".324" to ptr
  %".328" = getelementptr i64, ptr %".1", i64 14
  %".329" = load i64, ptr %".328"
  %".330" = inttoptr i64 %".329" to ptr
  %".333" = alloca i64, i32 1
  %".352" = getelementptr i64, ptr %".1", i64 19
  %".353" = load i64, ptr %".352"
  %".354" = inttoptr i64 %".353" to ptr
  %".360" = alloca i1, i32 1
  %".362" = getelementptr i64, ptr %".1", i64 20
  %".363" = load i64, ptr %".362"
  %".367" = alloca i64, i32 1
  %".369" = getelementptr i64, ptr %".1", i64 22
  %".370" = load i64, ptr %".369"
  %".373" = inttoptr i64 %".370" to ptr
  %".383" = getelementptr i64, ptr %".1", i64 29
  %".384" = load i64, ptr %".383"
  %".392" = getelementptr i64, ptr %".1", i64 23
  %".393" = load i64, ptr %".392"
  %".396" = inttoptr i64 %".393" to ptr
  %".404" = getelementptr i64, ptr %".1", i64 24
  %".405" = load i64, ptr %".404"
  %".408" = inttoptr i64 %".405" to ptr
  %".409" = getelementptr i64, ptr %".1", i64 26
  %".410" = load i64, ptr %".409"
  %".411" = inttoptr i64 %".410" to ptr
  %".414" = getelementptr i64, ptr %".1", i64 25
  %".415" = load i64, ptr %".414"
  %".416" = inttoptr i64 %".415" to ptr
  %".419" = alloca i64, i32 1
  %".421" = alloca i64, i32 1
  %".441" = alloca i1, i32 1
  %".461" = getelementptr i64, ptr %".1", i64 12
  %".462" = load i64, ptr %".461"
  %".463" = inttoptr i64 %".462" to ptr
  %".476" = alloca i64, i32 1
  %".506" = alloca i64, i32 1
  %".508" = alloca i64, i32 1
  %".549" = getelementptr i64, ptr %".1", i64 17
  %".550" = load i64, ptr %".549"
  %".551" = bitcast i64 %".550" to double
  %".552" = fptrunc double %".551" to float
  %".553" = getelementptr i64, ptr %".1", i64 18
  %".554" = load i64, ptr %".553"
  %".555" = inttoptr i64 %".554" to ptr
  %".563" = getelementptr i64, ptr %".1", i64 15
  %".564" = load i64, ptr %".563"
  %".565" = inttoptr i64 %".564" to ptr
  %".572" = alloca i64, i32 1
  %".610" = getelementptr i64, ptr %".1", i64 6
  %".611" = load i64, ptr %".610"
  br label %"body"
body:
  br label %"panel.head"
panel.head:
  %"panel" = phi  i64 [%".5", %"body"], [%".626", %"tile.done"]
  %".9" = icmp slt i64 %"panel", %".7"
  br i1 %".9", label %"panel.body", label %"panel.done"
panel.body:
  %".17" = add i64 %".16", 3
  %".18" = sdiv i64 %".17", 4
  %".22" = mul i64 %"panel", %".14"
  %".23" = mul i64 %".22", 8
  %".24" = getelementptr float, ptr %".21", i64 %".23"
  br label %"tile.head"
panel.done:
  ret i64 0
tile.head:
  %"tile" = phi  i64 [0, %"panel.body"], [%".624", %"t.done.endif"]
  %".26" = icmp slt i64 %"tile", %".18"
  br i1 %".26", label %"tile.body", label %"tile.done"
tile.body:
  %".28" = mul i64 %"tile", 4
  %".32" = mul i64 %".28", %".14"
  %".33" = getelementptr float, ptr %".31", i64 %".32"
  %".34" = mul i64 %"panel", 8
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".35"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".37"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".39"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".41"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".43"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".45"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".47"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".49"
  %".51" = sitofp i64 %".14" to float
  %".52" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".51", i32 0
  %".53" = shufflevector <4 x float> %".52", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  br label %"t.head"
tile.done:
  %".626" = add i64 %"panel", 1
  br label %"panel.head"
t.head:
  %"t" = phi  i64 [0, %"tile.body"], [%".141", %"t.body"]
  %".55" = icmp slt i64 %"t", %".14"
  br i1 %".55", label %"t.body", label %"t.done"
t.body:
  %".57" = mul i64 %"t", 8
  %".58" = add i64 %".57", 0
  %".59" = getelementptr float, ptr %".24", i64 %".58"
  %".60" = load <4 x float>, ptr %".59", align 4
  %".61" = add i64 %".57", 4
  %".62" = getelementptr float, ptr %".24", i64 %".61"
  %".63" = load <4 x float>, ptr %".62", align 4
  %".64" = mul i64 %"t", 4
  %".65" = add i64 %".64", 0
  %".66" = getelementptr float, ptr %".33", i64 %".65"
  %".67" = load float, ptr %".66", align 4
  %".68" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".67", i32 0
  %".69" = shufflevector <4 x float> %".68", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".70" = add i64 %".28", 0
  %".71" = add i64 %".34", 0
  %".72" = load <4 x float>, ptr %".35"
  %".73" = fsub <4 x float> %".69", %".60"
  %".74" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".73")
  %".75" = fadd <4 x float> %".72", %".74"
  store <4 x float> %".75", ptr %".35"
  %".77" = add i64 %".28", 0
  %".78" = add i64 %".34", 4
  %".79" = load <4 x float>, ptr %".37"
  %".80" = fsub <4 x float> %".69", %".63"
  %".81" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".80")
  %".82" = fadd <4 x float> %".79", %".81"
  store <4 x float> %".82", ptr %".37"
  %".84" = add i64 %".64", 1
  %".85" = getelementptr float, ptr %".33", i64 %".84"
  %".86" = load float, ptr %".85", align 4
  %".87" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".86", i32 0
  %".88" = shufflevector <4 x float> %".87", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".89" = add i64 %".28", 1
  %".90" = add i64 %".34", 0
  %".91" = load <4 x float>, ptr %".39"
  %".92" = fsub <4 x float> %".88", %".60"
  %".93" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".92")
  %".94" = fadd <4 x float> %".91", %".93"
  store <4 x float> %".94", ptr %".39"
  %".96" = add i64 %".28", 1
  %".97" = add i64 %".34", 4
  %".98" = load <4 x float>, ptr %".41"
  %".99" = fsub <4 x float> %".88", %".63"
  %".100" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".99")
  %".101" = fadd <4 x float> %".98", %".100"
  store <4 x float> %".101", ptr %".41"
  %".103" = add i64 %".64", 2
  %".104" = getelementptr float, ptr %".33", i64 %".103"
  %".105" = load float, ptr %".104", align 4
  %".106" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".105", i32 0
  %".107" = shufflevector <4 x float> %".106", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".108" = add i64 %".28", 2
  %".109" = add i64 %".34", 0
  %".110" = load <4 x float>, ptr %".43"
  %".111" = fsub <4 x float> %".107", %".60"
  %".112" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".111")
  %".113" = fadd <4 x float> %".110", %".112"
  store <4 x float> %".113", ptr %".43"
  %".115" = add i64 %".28", 2
  %".116" = add i64 %".34", 4
  %".117" = load <4 x float>, ptr %".45"
  %".118" = fsub <4 x float> %".107", %".63"
  %".119" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".118")
  %".120" = fadd <4 x float> %".117", %".119"
  store <4 x float> %".120", ptr %".45"
  %".122" = add i64 %".64", 3
  %".123" = getelementptr float, ptr %".33", i64 %".122"
  %".124" = load float, ptr %".123", align 4
  %".125" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".124", i32 0
  %".126" = shufflevector <4 x float> %".125", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".127" = add i64 %".28", 3
  %".128" = add i64 %".34", 0
  %".129" = load <4 x float>, ptr %".47"
  %".130" = fsub <4 x float> %".126", %".60"
  %".131" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".130")
  %".132" = fadd <4 x float> %".129", %".131"
  store <4 x float> %".132", ptr %".47"
  %".134" = add i64 %".28", 3
  %".135" = add i64 %".34", 4
  %".136" = load <4 x float>, ptr %".49"
  %".137" = fsub <4 x float> %".126", %".63"
  %".138" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".137")
  %".139" = fadd <4 x float> %".136", %".138"
  store <4 x float> %".139", ptr %".49"
  %".141" = add i64 %"t", 1
  br label %"t.head"
t.done:
  %".143" = load <4 x float>, ptr %".35"
  %".144" = load <4 x float>, ptr %".37"
  %".145" = load <4 x float>, ptr %".39"
  %".146" = load <4 x float>, ptr %".41"
  %".147" = load <4 x float>, ptr %".43"
  %".148" = load <4 x float>, ptr %".45"
  %".149" = load <4 x float>, ptr %".47"
  %".150" = load <4 x float>, ptr %".49"
  %".154" = add i64 %".28", 0
  %".155" = getelementptr float, ptr %".153", i64 %".154"
  %".156" = load float, ptr %".155", align 4
  %".157" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".156", i32 0
  %".158" = shufflevector <4 x float> %".157", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".159" = fcmp ule <4 x float> %".143", %".158"
  %".160" = fcmp ule <4 x float> %".144", %".158"
  %".161" = or <4 x i1> %".159", %".160"
  %".162" = bitcast <4 x i1> %".161" to i4
  %".163" = icmp ne i4 %".162", 0
  %".164" = zext i1 %".163" to i64
  %".165" = shl i64 %".164", 0
  %".166" = or i64 0, %".165"
  %".167" = add i64 %".28", 1
  %".168" = getelementptr float, ptr %".153", i64 %".167"
  %".169" = load float, ptr %".168", align 4
  %".170" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".169", i32 0
  %".171" = shufflevector <4 x float> %".170", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".172" = fcmp ule <4 x float> %".145", %".171"
  %".173" = fcmp ule <4 x float> %".146", %".171"
  %".174" = or <4 x i1> %".172", %".173"
  %".175" = bitcast <4 x i1> %".174" to i4
  %".176" = icmp ne i4 %".175", 0
  %".177" = zext i1 %".176" to i64
  %".178" = shl i64 %".177", 1
  %".179" = or i64 %".166", %".178"
  %".180" = add i64 %".28", 2
  %".181" = getelementptr float, ptr %".153", i64 %".180"
  %".182" = load float, ptr %".181", align 4
  %".183" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".182", i32 0
  %".184" = shufflevector <4 x float> %".183", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".185" = fcmp ule <4 x float> %".147", %".184"
  %".186" = fcmp ule <4 x float> %".148", %".184"
  %".187" = or <4 x i1> %".185", %".186"
  %".188" = bitcast <4 x i1> %".187" to i4
  %".189" = icmp ne i4 %".188", 0
  %".190" = zext i1 %".189" to i64
  %".191" = shl i64 %".190", 2
  %".192" = or i64 %".179", %".191"
  %".193" = add i64 %".28", 3
  %".194" = getelementptr float, ptr %".153", i64 %".193"
  %".195" = load float, ptr %".194", align 4
  %".196" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".195", i32 0
  %".197" = shufflevector <4 x float> %".196", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".198" = fcmp ule <4 x float> %".149", %".197"
  %".199" = fcmp ule <4 x float> %".150", %".197"
  %".200" = or <4 x i1> %".198", %".199"
  %".201" = bitcast <4 x i1> %".200" to i4
  %".202" = icmp ne i4 %".201", 0
  %".203" = zext i1 %".202" to i64
  %".204" = shl i64 %".203", 3
  %".205" = or i64 %".192", %".204"
  %".206" = sub i64 %".16", %".28"
  %".207" = icmp slt i64 %".206", 4
  %".208" = select  i1 %".207", i64 %".206", i64 4
  %".209" = shl i64 1, %".208"
  %".210" = sub i64 %".209", 1
  %".211" = and i64 %".205", %".210"
  %".212" = icmp ne i64 %".211", 0
  br i1 %".212", label %"t.done.if", label %"t.done.endif", !prof !0
t.done.if:
  %".214" = getelementptr float, ptr %".11", i64 0
  store <4 x float> %".143", ptr %".214", align 4
  %".216" = getelementptr float, ptr %".11", i64 4
  store <4 x float> %".144", ptr %".216", align 4
  %".218" = getelementptr float, ptr %".11", i64 8
  store <4 x float> %".145", ptr %".218", align 4
  %".220" = getelementptr float, ptr %".11", i64 12
  store <4 x float> %".146", ptr %".220", align 4
  %".222" = getelementptr float, ptr %".11", i64 16
  store <4 x float> %".147", ptr %".222", align 4
  %".224" = getelementptr float, ptr %".11", i64 20
  store <4 x float> %".148", ptr %".224", align 4
  %".226" = getelementptr float, ptr %".11", i64 24
  store <4 x float> %".149", ptr %".226", align 4
  %".228" = getelementptr float, ptr %".11", i64 28
  store <4 x float> %".150", ptr %".228", align 4
  store i64 %".211", ptr %".230"
  br label %"bit.head"
t.done.endif:
  %".624" = add i64 %"tile", 1
  br label %"tile.head"
bit.head:
  %".233" = load i64, ptr %".230"
  %".234" = icmp ne i64 %".233", 0
  br i1 %".234", label %"bit.body", label %"bit.done"
bit.body:
  %".236" = load i64, ptr %".230"
  %".237" = sub i64 %".236", 1
  %".238" = and i64 %".236", %".237"
  store i64 %".238", ptr %".230"
  %".240" = call i64 @"llvm.cttz.i64"(i64 %".236", i1 1)
  %".241" = add i64 %".28", %".240"
  %".242" = getelementptr float, ptr %".153", i64 %".241"
  %".243" = load float, ptr %".242", align 4
  %".244" = add i64 %".240", 0
  %".245" = mul i64 %".244", 8
  %".246" = add i64 %".245", 0
  %".247" = getelementptr float, ptr %".11", i64 %".246"
  %".248" = load <4 x float>, ptr %".247", align 4
  %".249" = add i64 %".34", 0
  %".250" = sitofp i64 %".14" to float
  %".251" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".250", i32 0
  %".252" = shufflevector <4 x float> %".251", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".253" = getelementptr float, ptr %".12", i64 0
  store <4 x float> %".248", ptr %".253", align 4
  %".255" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".243", i32 0
  %".256" = shufflevector <4 x float> %".255", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".257" = fcmp ule <4 x float> %".248", %".256"
  %".258" = bitcast <4 x i1> %".257" to i4
  %".259" = zext i4 %".258" to i64
  %".260" = shl i64 %".259", 0
  %".261" = or i64 0, %".260"
  %".262" = add i64 %".240", 0
  %".263" = mul i64 %".262", 8
  %".264" = add i64 %".263", 4
  %".265" = getelementptr float, ptr %".11", i64 %".264"
  %".266" = load <4 x float>, ptr %".265", align 4
  %".267" = add i64 %".34", 4
  %".268" = sitofp i64 %".14" to float
  %".269" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".268", i32 0
  %".270" = shufflevector <4 x float> %".269", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".271" = getelementptr float, ptr %".12", i64 4
  store <4 x float> %".266", ptr %".271", align 4
  %".273" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".243", i32 0
  %".274" = shufflevector <4 x float> %".273", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".275" = fcmp ule <4 x float> %".266", %".274"
  %".276" = bitcast <4 x i1> %".275" to i4
  %".277" = zext i4 %".276" to i64
  %".278" = shl i64 %".277", 4
  %".279" = or i64 %".261", %".278"
  %".280" = icmp ne i64 %".279", 0
  br i1 %".280", label %"bit.body.if", label %"bit.body.endif", !prof !0
bit.done:
  br label %"t.done.endif"
bit.body.if:
  store i64 %".279", ptr %".282"
  %".284" = add i64 %".34", 8
  %".287" = icmp sle i64 %".284", %".286"
  %".290" = icmp ne i64 %".289", 0
  %".291" = and i1 %".290", %".287"
  br i1 %".291", label %"bit.body.if.if", label %"bit.body.if.endif"
bit.body.endif:
  br label %"bit.head"
bit.body.if.if:
  %".296" = getelementptr i64, ptr %".295", i64 %".241"
  %".297" = load i64, ptr %".296", align 8
  %".300" = add i64 %".34", %".299"
  %".301" = add i64 %".297", %".300"
  %".305" = getelementptr i8, ptr %".304", i64 %".301"
  %".306" = load <8 x i8>, ptr %".305", align 1
  %".307" = icmp ne <8 x i8> %".306", <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>
  %".308" = bitcast <8 x i1> %".307" to i8
  %".309" = zext i8 %".308" to i64
  %".310" = and i64 %".279", %".309"
  store i64 %".310", ptr %".282"
  br label %"bit.body.if.endif"
bit.body.if.endif:
  %".313" = load i64, ptr %".282"
  %".321" = mul i64 %".241", %".315"
  %".322" = getelementptr float, ptr %".320", i64 %".321"
  %".326" = mul i64 %".241", %".317"
  %".327" = getelementptr float, ptr %".325", i64 %".326"
  %".331" = mul i64 %".241", %".317"
  %".332" = getelementptr i64, ptr %".330", i64 %".331"
  store i64 %".313", ptr %".333"
  br label %"bit.head.1"
bit.head.1:
  %".336" = load i64, ptr %".333"
  %".337" = icmp ne i64 %".336", 0
  br i1 %".337", label %"bit.body.1", label %"bit.done.1"
bit.body.1:
  %".339" = load i64, ptr %".333"
  %".340" = sub i64 %".339", 1
  %".341" = and i64 %".339", %".340"
  store i64 %".341", ptr %".333"
  %".343" = call i64 @"llvm.cttz.i64"(i64 %".339", i1 1)
  %".344" = getelementptr float, ptr %".12", i64 %".343"
  %".345" = load float, ptr %".344", align 4
  %".346" = add i64 %".34", %".343"
  %".347" = getelementptr float, ptr %".153", i64 %".241"
  %".348" = load float, ptr %".347", align 4
  %".349" = fcmp ule float %".345", %".348"
  %".350" = icmp slt i64 %".346", %".286"
  %".351" = and i1 %".349", %".350"
  %".355" = getelementptr i64, ptr %".354", i64 %".241"
  %".356" = load i64, ptr %".355", align 8
  %".357" = icmp eq i64 %".356", 0
  %".358" = and i1 %".351", %".357"
  br i1 %".358", label %"bit.body.1.if", label %"bit.body.1.endif"
bit.done.1:
  br label %"bit.body.endif"
bit.body.1.if:
  store i1 1, ptr %".360"
  %".364" = icmp ne i64 %".363", 0
  br i1 %".364", label %"bit.body.1.if.if", label %"bit.body.1.if.endif", !prof !0
bit.body.1.endif:
  br label %"bit.head.1"
bit.body.1.if.if:
  %".366" = add i64 %".346", %".299"
  store i64 %".366", ptr %".367"
  %".371" = icmp ne i64 %".370", 0
  br i1 %".371", label %"bit.body.1.if.if.if", label %"bit.body.1.if.if.endif"
bit.body.1.if.endif:
  %".459" = load i1, ptr %".360"
  br i1 %".459", label %"bit.body.1.if.endif.if", label %"bit.body.1.if.endif.endif"
bit.body.1.if.if.if:
  %".374" = getelementptr i64, ptr %".373", i64 %".346"
  %".375" = load i64, ptr %".374", align 8
  store i64 %".375", ptr %".367"
  br label %"bit.body.1.if.if.endif"
bit.body.1.if.if.endif:
  %".378" = load i64, ptr %".367"
  %".379" = icmp ne i64 %".303", 0
  br i1 %".379", label %"bit.body.1.if.if.endif.if", label %"bit.body.1.if.if.endif.endif"
bit.body.1.if.if.endif.if:
  %".381" = getelementptr i64, ptr %".295", i64 %".241"
  %".382" = load i64, ptr %".381", align 8
  %".385" = mul i64 %".378", %".384"
  %".386" = add i64 %".382", %".385"
  %".387" = getelementptr i8, ptr %".304", i64 %".386"
  %".388" = load i8, ptr %".387", align 1
  %".389" = icmp ne i8 %".388", 0
  store i1 %".389", ptr %".360"
  br label %"bit.body.1.if.if.endif.endif"
bit.body.1.if.if.endif.endif:
  %".394" = icmp ne i64 %".393", 0
  br i1 %".394", label %"bit.body.1.if.if.endif.endif.if", label %"bit.body.1.if.if.endif.endif.endif"
bit.body.1.if.if.endif.endif.if:
  %".397" = getelementptr i64, ptr %".396", i64 %".241"
  %".398" = load i64, ptr %".397", align 8
  %".399" = icmp ne i64 %".398", %".378"
  %".400" = load i1, ptr %".360"
  %".401" = and i1 %".400", %".399"
  store i1 %".401", ptr %".360"
  br label %"bit.body.1.if.if.endif.endif.endif"
bit.body.1.if.if.endif.endif.endif:
  %".406" = icmp ne i64 %".405", 0
  br i1 %".406", label %"bit.body.1.if.if.endif.endif.endif.if", label %"bit.body.1.if.if.endif.endif.endif.endif"
bit.body.1.if.if.endif.endif.endif.if:
  %".412" = getelementptr i64, ptr %".411", i64 %".241"
  %".413" = load i64, ptr %".412", align 8
  %".417" = getelementptr i64, ptr %".416", i64 %".241"
  %".418" = load i64, ptr %".417", align 8
  store i64 %".418", ptr %".419"
  store i64 %".413", ptr %".421"
  br label %"halve.head"
bit.body.1.if.if.endif.endif.endif.endif:
  br label %"bit.body.1.if.endif"
halve.head:
  %".424" = load i64, ptr %".419"
  %".425" = load i64, ptr %".421"
  %".426" = icmp slt i64 %".424", %".425"
  br i1 %".426", label %"halve.body", label %"halve.done"
halve.body:
  %".428" = load i64, ptr %".419"
  %".429" = load i64, ptr %".421"
  %".430" = add i64 %".428", %".429"
  %".431" = ashr i64 %".430", 1
  %".432" = getelementptr i64, ptr %".408", i64 %".431"
  %".433" = load i64, ptr %".432", align 8
  %".434" = icmp slt i64 %".433", %".378"
  %".435" = add i64 %".431", 1
  %".436" = select  i1 %".434", i64 %".435", i64 %".428"
  store i64 %".436", ptr %".419"
  %".438" = select  i1 %".434", i64 %".429", i64 %".431"
  store i64 %".438", ptr %".421"
  br label %"halve.head"
halve.done:
  store i1 0, ptr %".441"
  %".443" = load i64, ptr %".419"
  %".444" = icmp slt i64 %".443", %".413"
  br i1 %".444", label %"halve.done.if", label %"halve.done.endif"
halve.done.if:
  %".446" = load i64, ptr %".419"
  %".447" = getelementptr i64, ptr %".408", i64 %".446"
  %".448" = load i64, ptr %".447", align 8
  %".449" = icmp eq i64 %".448", %".378"
  store i1 %".449", ptr %".441"
  br label %"halve.done.endif"
halve.done.endif:
  %".452" = load i1, ptr %".441"
  %".453" = xor i1 %".452", -1
  %".454" = load i1, ptr %".360"
  %".455" = and i1 %".454", %".453"
  store i1 %".455", ptr %".360"
  br label %"bit.body.1.if.if.endif.endif.endif.endif"
bit.body.1.if.endif.if:
  %".464" = getelementptr i64, ptr %".463", i64 %".241"
  %".465" = load i64, ptr %".464"
  %".466" = fcmp ord float %".345", %".345"
  %".467" = icmp slt i64 %".465", %".315"
  %".468" = and i1 %".466", %".467"
  %".469" = icmp eq i64 %".465", %".315"
  %".470" = and i1 %".466", %".469"
  %".471" = getelementptr float, ptr %".322", i64 0
  %".472" = load float, ptr %".471", align 4
  %".473" = fcmp olt float %".345", %".472"
  %".474" = and i1 %".470", %".473"
  br i1 %".468", label %"bit.body.1.if.endif.if.if", label %"bit.body.1.if.endif.if.endif"
bit.body.1.if.endif.endif:
  br label %"bit.body.1.endif"
bit.body.1.if.endif.if.if:
  store i64 %".465", ptr %".476"
  br label %"rise.head"
bit.body.1.if.endif.if.endif:
  br i1 %".474", label %"bit.body.1.if.endif.if.endif.if", label %"bit.body.1.if.endif.if.endif.endif"
rise.head:
  %".479" = load i64, ptr %".476"
  %".480" = sub i64 %".479", 1
  %".481" = sdiv i64 %".480", 2
  %".482" = icmp sgt i64 %".479", 0
  %".483" = select  i1 %".482", i64 %".481", i64 0
  %".484" = getelementptr float, ptr %".322", i64 %".483"
  %".485" = load float, ptr %".484", align 4
  %".486" = icmp sgt i64 %".479", 0
  %".487" = fcmp olt float %".485", %".345"
  %".488" = and i1 %".486", %".487"
  br i1 %".488", label %"rise.body", label %"rise.done"
rise.body:
  %".490" = load i64, ptr %".476"
  %".491" = sub i64 %".490", 1
  %".492" = sdiv i64 %".491", 2
  %".493" = getelementptr float, ptr %".322", i64 %".492"
  %".494" = load float, ptr %".493", align 4
  %".495" = getelementptr float, ptr %".322", i64 %".490"
  store float %".494", ptr %".495", align 4
  store i64 %".492", ptr %".476"
  br label %"rise.head"
rise.done:
  %".499" = load i64, ptr %".476"
  %".500" = getelementptr float, ptr %".322", i64 %".499"
  store float %".345", ptr %".500", align 4
  %".502" = add i64 %".465", 1
  store i64 %".502", ptr %".464"
  br label %"bit.body.1.if.endif.if.endif"
bit.body.1.if.endif.if.endif.if:
  store i64 0, ptr %".506"
  store i64 0, ptr %".508"
  br label %"sink.head"
bit.body.1.if.endif.if.endif.endif:
  %".543" = getelementptr i64, ptr %".463", i64 %".241"
  %".544" = load i64, ptr %".543", align 8
  %".545" = icmp eq i64 %".544", %".315"
  br i1 %".545", label %"bit.body.1.if.endif.if.endif.endif.if", label %"bit.body.1.if.endif.if.endif.endif.endif"
sink.head:
  %".511" = load i64, ptr %".506"
  %".512" = mul i64 %".511", 2
  %".513" = add i64 %".512", 1
  %".514" = add i64 %".513", 1
  %".515" = icmp slt i64 %".513", %".315"
  %".516" = select  i1 %".515", i64 %".513", i64 0
  %".517" = icmp slt i64 %".514", %".315"
  %".518" = select  i1 %".517", i64 %".514", i64 %".516"
  %".519" = getelementptr float, ptr %".322", i64 %".518"
  %".520" = load float, ptr %".519", align 4
  %".521" = getelementptr float, ptr %".322", i64 %".516"
  %".522" = load float, ptr %".521", align 4
  %".523" = fcmp ogt float %".520", %".522"
  %".524" = select  i1 %".523", i64 %".518", i64 %".516"
  store i64 %".524", ptr %".508"
  %".526" = getelementptr float, ptr %".322", i64 %".524"
  %".527" = load float, ptr %".526", align 4
  %".528" = fcmp ogt float %".527", %".345"
  %".529" = and i1 %".515", %".528"
  br i1 %".529", label %"sink.body", label %"sink.done"
sink.body:
  %".531" = load i64, ptr %".508"
  %".532" = getelementptr float, ptr %".322", i64 %".531"
  %".533" = load float, ptr %".532", align 4
  %".534" = load i64, ptr %".506"
  %".535" = getelementptr float, ptr %".322", i64 %".534"
  store float %".533", ptr %".535", align 4
  store i64 %".531", ptr %".506"
  br label %"sink.head"
sink.done:
  %".539" = load i64, ptr %".506"
  %".540" = getelementptr float, ptr %".322", i64 %".539"
  store float %".345", ptr %".540", align 4
  br label %"bit.body.1.if.endif.if.endif.endif"
bit.body.1.if.endif.if.endif.endif.if:
  %".547" = getelementptr float, ptr %".322", i64 0
  %".548" = load float, ptr %".547", align 4
  %".556" = getelementptr float, ptr %".555", i64 %".241"
  %".557" = load float, ptr %".556", align 4
  %".558" = fmul float %".548", %".552"
  %".559" = fadd float %".558", %".557"
  %".560" = getelementptr float, ptr %".153", i64 %".241"
  store float %".559", ptr %".560", align 4
  br label %"bit.body.1.if.endif.if.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif:
  %".566" = getelementptr i64, ptr %".565", i64 %".241"
  %".567" = load i64, ptr %".566"
  %".568" = icmp eq i64 %".567", %".317"
  br i1 %".568", label %"bit.body.1.if.endif.if.endif.endif.endif.if", label %"bit.body.1.if.endif.if.endif.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif.if:
  %".570" = getelementptr float, ptr %".153", i64 %".241"
  %".571" = load float, ptr %".570", align 4
  store i64 0, ptr %".572"
  br label %"c.head"
bit.body.1.if.endif.if.endif.endif.endif.endif:
  %".605" = load i64, ptr %".566"
  %".606" = icmp slt i64 %".605", %".317"
  br i1 %".606", label %"bit.body.1.if.endif.if.endif.endif.endif.endif.if", label %"bit.body.1.if.endif.if.endif.endif.endif.endif.endif"
c.head:
  %"c" = phi  i64 [0, %"bit.body.1.if.endif.if.endif.endif.endif.if"], [%".591", %"c.body.endif"]
  %".575" = icmp slt i64 %"c", %".317"
  br i1 %".575", label %"c.body", label %"c.done"
c.body:
  %".577" = getelementptr float, ptr %".327", i64 %"c"
  %".578" = load float, ptr %".577", align 4
  %".579" = fcmp ule float %".578", %".571"
  br i1 %".579", label %"c.body.if", label %"c.body.endif"
c.done:
  %".593" = load i64, ptr %".572"
  store i64 %".593", ptr %".566"
  %".595" = sdiv i64 %".317", 4
  %".596" = sub i64 %".317", %".595"
  %".597" = icmp sgt i64 %".593", %".596"
  br i1 %".597", label %"c.done.if", label %"c.done.endif"
c.body.if:
  %".581" = load i64, ptr %".572"
  %".582" = getelementptr float, ptr %".327", i64 %".581"
  store float %".578", ptr %".582", align 4
  %".584" = getelementptr i64, ptr %".332", i64 %"c"
  %".585" = load i64, ptr %".584", align 8
  %".586" = getelementptr i64, ptr %".332", i64 %".581"
  store i64 %".585", ptr %".586", align 8
  %".588" = add i64 %".581", 1
  store i64 %".588", ptr %".572"
  br label %"c.body.endif"
c.body.endif:
  %".591" = add i64 %"c", 1
  br label %"c.head"
c.done.if:
  %".599" = getelementptr i64, ptr %".354", i64 %".241"
  store i64 1, ptr %".599", align 8
  %".601" = getelementptr float, ptr %".153", i64 %".241"
  store float 0xfff0000000000000, ptr %".601", align 4
  br label %"c.done.endif"
c.done.endif:
  br label %"bit.body.1.if.endif.if.endif.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif.endif.if:
  %".608" = getelementptr float, ptr %".327", i64 %".605"
  store float %".345", ptr %".608", align 4
  %".612" = add i64 %".346", %".611"
  %".613" = getelementptr i64, ptr %".332", i64 %".605"
  store i64 %".612", ptr %".613", align 8
  %".615" = add i64 %".605", 1
  store i64 %".615", ptr %".566"
  br label %"bit.body.1.if.endif.if.endif.endif.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif.endif.endif:
  br label %"bit.body.1.if.endif.endif"
}

declare <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".1")

declare i64 @"llvm.cttz.i64"(i64 %".1", i1 %".2")

!0 = !{ !"branch_weights", i32 1, i32 99 }
